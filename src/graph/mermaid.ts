import type { GraphView } from "./graph-view.ts";

/** The graph as a Mermaid flowchart (mermaid.js.org/syntax/flowchart.html): solid edges require, dotted ones order. */
export function drawMermaid({ roots, nodes }: GraphView): string {
  const ids = new Map(nodes.map(({ name }, index) => [name, `s${index}`]));
  const id = (name: string): string => ids.get(name) ?? "";
  const lines = ["flowchart TD"];
  for (const { name } of nodes) {
    const [open, close] = roots.includes(name) ? ['(["', '"])'] : ['["', '"]'];
    lines.push(`  ${id(name)}${open}${name}${close}`);
  }
  for (const { name, requires, after } of nodes) {
    for (const other of requires) lines.push(`  ${id(name)} --> ${id(other)}`);
    for (const other of after) lines.push(`  ${id(name)} -.-> ${id(other)}`);
  }
  return `${lines.join("\n")}\n`;
}

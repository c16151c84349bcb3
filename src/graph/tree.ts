import type { GraphNode, GraphView } from "./graph-view.ts";

/**
 * The graph as a tree for terminals. A service that several require is opened where it comes first, and marked `↑`
 * afterwards; what is only ordered stands behind `after`.
 */
export function drawTree({ roots, nodes }: GraphView): string {
  const byName = new Map(nodes.map((node) => [node.name, node]));
  const opened = new Set<string>();
  const lines: string[] = [];
  // A stack of its own: chains may be deeper than the call stack.
  const waiting = roots.map((name) => ({ name, head: "", tail: "" })).reverse();
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const node = byName.get(next.name);
    if (!node) continue;
    const again = opened.has(node.name) && node.requires.length > 0;
    lines.push(`${next.head}${again ? `${node.name} ↑` : lineOf(node)}`);
    if (again) continue;
    opened.add(node.name);
    const { tail } = next;
    const children = node.requires.map((name, index) => {
      const last = index === node.requires.length - 1;
      return { name, head: `${tail}${last ? "└─ " : "├─ "}`, tail: `${tail}${last ? "   " : "│  "}` };
    });
    waiting.push(...children.reverse());
  }
  return lines.map((line) => `${line.trimEnd()}\n`).join("");
}

function lineOf({ name, description, phases, after }: GraphNode): string {
  const notes = [
    phases.length > 0 ? `[${phases.join(" ")}]` : "",
    after.length > 0 ? `after ${after.join(", ")}` : "",
    description,
  ];
  return `${name}  ${notes.filter((note) => note !== "").join("  ")}`;
}

/** What ordering needs to know of a node. */
export interface Node {
  readonly name: string;
  /** Names that come before this one. Names that are not among the nodes are passed over. */
  readonly before: readonly string[];
}

export type Ordering =
  | { readonly ok: true; readonly names: readonly string[] }
  /** The whole loop, each name before the one it needs, the first not repeated at the end. */
  | { readonly ok: false; readonly cycle: readonly string[] };

const byName = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/**
 * Orders nodes so that each comes after everything it needs; those that could go either way stand by name, so the
 * same nodes give the same order whatever order they came in. Iterative: depth is bounded by memory, not by the stack.
 */
export function orderNodes(nodes: readonly Node[]): Ordering {
  const known = new Map(nodes.map((node) => [node.name, node]));
  const done = new Set<string>();
  const open = new Set<string>();
  const names: string[] = [];
  const path: { name: string; before: readonly string[]; next: number }[] = [];

  const enter = (name: string): void => {
    const before = (known.get(name)?.before ?? []).filter((other) => known.has(other) && !done.has(other));
    open.add(name);
    path.push({ name, before: before.length > 1 ? before.sort(byName) : before, next: 0 });
  };

  for (const root of [...known.keys()].sort(byName)) {
    if (done.has(root)) continue;
    enter(root);
    for (let top = path.at(-1); top !== undefined; top = path.at(-1)) {
      const next = top.before[top.next++];
      if (next === undefined) {
        path.pop();
        open.delete(top.name);
        done.add(top.name);
        names.push(top.name);
      } else if (open.has(next)) {
        const from = path.findIndex((step) => step.name === next);
        return { ok: false, cycle: path.slice(from).map((step) => step.name) };
      } else if (!done.has(next)) {
        enter(next);
      }
    }
  }
  return { ok: true, names };
}

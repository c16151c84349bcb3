import type { Service } from "../../stage2/index.ts";

/** What the drawings show of a service. */
export interface GraphNode {
  readonly name: string;
  readonly description: string;
  readonly phases: readonly string[];
  readonly requires: readonly string[];
  /** Those of `after` that are drawn as well. */
  readonly after: readonly string[];
}

export interface GraphView {
  readonly roots: readonly string[];
  /** Sorted by name; every name in `requires` is there. */
  readonly nodes: readonly GraphNode[];
}

/**
 * The part of the graph that the roots need.
 *
 * @param roots Names of services; unknown ones are passed over.
 */
export function makeGraphView(services: readonly Service[], roots: readonly string[]): GraphView {
  const byName = new Map(services.map((service) => [service.name, service]));
  const wanted = new Set<string>();
  const waiting = [...roots];
  for (let name = waiting.pop(); name !== undefined; name = waiting.pop()) {
    const service = byName.get(name);
    if (!service || wanted.has(name)) continue;
    wanted.add(name);
    waiting.push(...service.requires);
  }
  const nodes = services
    .filter(({ name }) => wanted.has(name))
    .map(({ name, description, phases, requires, after, process }) => ({
      name,
      description,
      phases: [...Object.keys(phases), ...(process ? ["process"] : [])],
      requires,
      after: after.filter((other) => wanted.has(other)),
    }));
  return { roots: roots.filter((name) => wanted.has(name)), nodes };
}

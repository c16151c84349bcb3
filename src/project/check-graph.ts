import { orderNodes } from "../../stage2/index.ts";
import { didYouMean } from "../cli/did-you-mean.ts";
import { SERVICE_NAME } from "../manifest/names.ts";
import type { Definition } from "./definition.ts";
import type { FaultList } from "./fault-list.ts";
import type { Mapping } from "./service-source.ts";

const EDGES = ["requires", "after"] as const;

/** More circles than this in one project are told after the first ones are gone. */
const MOST_CYCLES = 10;

/**
 * Checks the edges between services: self-requirements, then circles, each named whole with the place of every edge.
 * (Unknown names are found when the services are collected.)
 *
 * @param services By name; names that are not there are passed over.
 */
export function checkGraph(definitions: ReadonlyMap<string, Definition>, faults: FaultList): void {
  const nodes = new Map<string, { name: string; before: string[] }>();
  for (const definition of definitions.values()) {
    const before: string[] = [];
    for (const edge of EDGES) {
      for (const [index, other] of edgesOf(definition, edge).entries()) {
        if (other !== definition.name) before.push(other);
        else {
          const message = `${definition.name} ${edge === "requires" ? "requires" : "stands after"} itself`;
          faults.error("E_SELF_REQUIREMENT", message, definition.place([edge, index]));
        }
      }
    }
    nodes.set(definition.name, { name: definition.name, before });
  }
  for (let count = 0; count < MOST_CYCLES; count++) {
    const ordering = orderNodes([...nodes.values()]);
    if (ordering.ok) return;
    reportCycle(ordering.cycle, definitions, faults);
    // Without one of its edges the circle is open, and the next one can be found.
    const [first = "", second = first] = ordering.cycle;
    const node = nodes.get(first);
    if (node) nodes.set(first, { name: first, before: node.before.filter((other) => other !== second) });
  }
}

function edgesOf(definition: Definition, edge: (typeof EDGES)[number]): string[] {
  const value = definition.value[edge];
  return Array.isArray(value) ? value.filter((other): other is string => typeof other === "string") : [];
}

function reportCycle(cycle: readonly string[], definitions: ReadonlyMap<string, Definition>, faults: FaultList): void {
  const places = cycle.flatMap((name, index) => {
    const definition = definitions.get(name);
    const other = cycle[(index + 1) % cycle.length];
    for (const edge of EDGES) {
      const found = definition && other !== undefined ? edgesOf(definition, edge).indexOf(other) : -1;
      if (definition && found >= 0) return [{ edge, name, other, place: definition.place([edge, found]) }];
    }
    return [];
  });
  const shown = cycle.length > 12 ? [...cycle.slice(0, 6), `… ${cycle.length - 12} more …`, ...cycle.slice(-6)] : cycle;
  const [first, second] = places;
  const rest = places
    .slice(2)
    .map(({ place, name, edge, other }) => `${place.file}:${place.line}:${place.column} (${name} ${edge} ${other})`);
  const more = rest.length > 10 ? [...rest.slice(0, 10), `and ${rest.length - 10} more`] : rest;
  faults.error(
    "E_CYCLE",
    `Services stand in a circle: ${[...shown, cycle[0]].join(" → ")}${more.length > 0 ? `; further edges: ${more.join(", ")}` : ""}`,
    first?.place,
    { related: second && { message: `${second.name} ${second.edge} ${second.other} in turn`, place: second.place } },
  );
}

/** Adds the fault for a service that is named and not there. */
export function unknownService(
  name: string,
  known: Iterable<string>,
  place: Parameters<FaultList["error"]>[2],
  faults: FaultList,
): void {
  const names = [...known];
  // A service that comes with Bootlace is often named without what stands before its name.
  const stock = names.flatMap((one) => (one.startsWith("bootlace/") ? [one.slice("bootlace/".length)] : []));
  const nearStock = stock.includes(name) ? name : didYouMean(name, stock);
  const near =
    nearStock === name ? `bootlace/${name}` : (didYouMean(name, names) ?? (nearStock && `bootlace/${nearStock}`));
  faults.error("E_UNKNOWN_SERVICE", `No service is called "${name}"`, place, {
    suggestion: near && `did you mean "${near}"?`,
  });
}

/** Names of the services that a service's lines refer to, with the place of each. */
export function referencesOf(manifest: Mapping): { name: string; path: (string | number)[] }[] {
  return (["requires", "after", "packagesAfter"] as const).flatMap((key) => {
    const value = manifest[key];
    if (!Array.isArray(value)) return [];
    return value.flatMap((name, index) =>
      SERVICE_NAME.test(String(name)) ? [{ name: String(name), path: [key, index] }] : [],
    );
  });
}

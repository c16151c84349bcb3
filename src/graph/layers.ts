import { orderNodes } from "../../stage2/index.ts";
import type { GraphView } from "./graph-view.ts";

const SWEEPS = 8;

/**
 * Puts services into layers for drawing: what requires nothing into the last one, each other one above all that it
 * needs, roots on top. Within a layer the order follows the mean position of the neighbours (Sugiyama's barycentre
 * method), so that few edges cross.
 */
export function makeLayers({ nodes }: GraphView): string[][] {
  const needs = new Map(nodes.map(({ name, requires, after }) => [name, [...requires, ...after]]));
  const ordering = orderNodes(nodes.map(({ name, requires, after }) => ({ name, before: [...requires, ...after] })));
  const depth = new Map<string, number>();
  for (const name of ordering.ok ? ordering.names : []) {
    const below = (needs.get(name) ?? []).map((other) => depth.get(other) ?? -1);
    depth.set(name, below.reduce((most, level) => Math.max(most, level), -1) + 1);
  }
  const highest = [...depth.values()].reduce((most, level) => Math.max(most, level), 0);
  const layers: string[][] = Array.from({ length: highest + 1 }, () => []);
  for (const [name, level] of depth) layers[highest - level]?.push(name);
  const neighbours = new Map<string, string[]>(nodes.map(({ name }) => [name, []]));
  for (const [name, others] of needs) {
    for (const other of others) {
      neighbours.get(name)?.push(other);
      neighbours.get(other)?.push(name);
    }
  }
  const place = new Map<string, number>();
  const settle = (layer: readonly string[]): void => {
    for (const [index, name] of layer.entries()) place.set(name, index - (layer.length - 1) / 2);
  };
  layers.forEach(settle);
  for (let sweep = 0; sweep < SWEEPS; sweep++) {
    for (const layer of sweep % 2 === 0 ? layers : layers.toReversed()) {
      const mean = new Map(
        layer.map((name) => [name, meanOf(neighbours.get(name) ?? [], place, place.get(name) ?? 0)]),
      );
      layer.sort((a, b) => (mean.get(a) ?? 0) - (mean.get(b) ?? 0) || (a < b ? -1 : 1));
      settle(layer);
    }
  }
  return layers;
}

function meanOf(names: readonly string[], place: ReadonlyMap<string, number>, otherwise: number): number {
  if (names.length === 0) return otherwise;
  return names.reduce((sum, name) => sum + (place.get(name) ?? 0), 0) / names.length;
}

import { orderNodes } from "../../stage2/index.ts";
import type { GraphView } from "./graph-view.ts";

const SWEEPS = 8;

export interface Layers {
  /** Names from top to bottom; bends of long edges stand among them. */
  readonly rows: readonly (readonly string[])[];
  /** The bends of an edge, by `edgeKey()`, from its upper end to its lower one. */
  readonly bends: ReadonlyMap<string, readonly string[]>;
}

/** Above this an edge goes straight: nobody can follow it with the eye anyway. */
const MOST_BENDS = 20_000;

export const edgeKey = (from: string, to: string): string => `${from}\0${to}`;
export const isBend = (name: string): boolean => name.startsWith("\0");

/**
 * Puts services into layers for drawing: what requires nothing into the last one, each other one above all that it
 * needs, roots on top. An edge over several layers gets a bend in each, so that it goes around what stands between.
 * Within a layer the order follows the mean position of the neighbours (Sugiyama's barycentre method), so that few
 * edges cross.
 */
export function makeLayers({ nodes }: GraphView): Layers {
  const needs = new Map(nodes.map(({ name, requires, after }) => [name, [...new Set([...requires, ...after])]]));
  const ordering = orderNodes([...needs].map(([name, before]) => ({ name, before })));
  const depth = new Map<string, number>();
  for (const name of ordering.ok ? ordering.names : []) {
    const below = (needs.get(name) ?? []).map((other) => depth.get(other) ?? -1);
    depth.set(name, below.reduce((most, level) => Math.max(most, level), -1) + 1);
  }
  const highest = [...depth.values()].reduce((most, level) => Math.max(most, level), 0);
  const rows: string[][] = Array.from({ length: highest + 1 }, () => []);
  for (const [name, level] of depth) rows[highest - level]?.push(name);
  const neighbours = new Map<string, string[]>(nodes.map(({ name }) => [name, []]));
  const bends = new Map<string, string[]>();
  let count = 0;
  for (const [from, others] of needs) {
    for (const to of others) {
      const [upper, lower] = [depth.get(from) ?? 0, depth.get(to) ?? 0];
      const bent: string[] = [];
      for (let level = upper - 1; level > lower && count < MOST_BENDS; level--, count++) {
        const bend = `\0${from}\0${to}\0${level}`;
        bent.push(bend);
        rows[highest - level]?.push(bend);
        neighbours.set(bend, []);
      }
      bends.set(edgeKey(from, to), bent);
      const way = [from, ...bent, to];
      for (const [index, name] of way.entries()) {
        const next = way[index + 1];
        if (next === undefined) break;
        neighbours.get(name)?.push(next);
        neighbours.get(next)?.push(name);
      }
    }
  }
  sortRows(rows, neighbours);
  return { rows, bends };
}

function sortRows(rows: string[][], neighbours: ReadonlyMap<string, readonly string[]>): void {
  const place = new Map<string, number>();
  const settle = (row: readonly string[]): void => {
    for (const [index, name] of row.entries()) place.set(name, index - (row.length - 1) / 2);
  };
  rows.forEach(settle);
  for (let sweep = 0; sweep < SWEEPS; sweep++) {
    for (const row of sweep % 2 === 0 ? rows : rows.toReversed()) {
      const mean = new Map(row.map((name) => [name, meanOf(neighbours.get(name) ?? [], place, place.get(name) ?? 0)]));
      row.sort((a, b) => (mean.get(a) ?? 0) - (mean.get(b) ?? 0) || (a < b ? -1 : 1));
      settle(row);
    }
  }
}

function meanOf(names: readonly string[], place: ReadonlyMap<string, number>, otherwise: number): number {
  if (names.length === 0) return otherwise;
  return names.reduce((sum, name) => sum + (place.get(name) ?? 0), 0) / names.length;
}

import type { MachineState } from "../journal/fold.ts";
import type { Service } from "../types/service.ts";

export interface Rename {
  readonly from: string;
  readonly to: string;
}

/**
 * Services that the journal knows by another name only: an old one (`renamedFrom`), or the new one of a rename that the
 * project has taken back.
 */
export function findRenames(services: readonly Service[], state: MachineState): Rename[] {
  const names = new Set(services.map((service) => service.name));
  return services.flatMap(({ name, renamedFrom }) => {
    if (state.services.has(name)) return [];
    const backFrom = [...state.renamed].filter(([, old]) => old === name).map(([fresh]) => fresh);
    const from = [...renamedFrom, ...backFrom].find((other) => state.services.has(other) && !names.has(other));
    return from === undefined ? [] : [{ from, to: name }];
  });
}

/** The state as it is once the renames are in the journal. */
export function applyRenames(state: MachineState, renames: readonly Rename[]): MachineState {
  if (renames.length === 0) return state;
  const services = new Map(state.services);
  for (const { from, to } of renames) {
    const kept = services.get(from);
    if (kept !== undefined) services.set(to, kept);
    services.delete(from);
  }
  return { ...state, services };
}

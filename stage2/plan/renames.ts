import type { MachineState } from "../journal/fold.ts";
import type { Service } from "../types/service.ts";

export interface Rename {
  readonly from: string;
  readonly to: string;
}

/** Services that the journal knows by an old name only (`renamedFrom`). */
export function findRenames(services: readonly Service[], state: MachineState): Rename[] {
  const names = new Set(services.map((service) => service.name));
  return services.flatMap(({ name, renamedFrom }) => {
    if (state.services.has(name)) return [];
    const from = renamedFrom.find((old) => state.services.has(old) && !names.has(old));
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

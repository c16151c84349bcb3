import { outputEntries, packageEntries } from "./entries.ts";
import type { MachineState } from "./fold.ts";
import { type Entry, encodeRecord } from "./record.ts";

/**
 * The lines of a journal that says what `state` says of the lineage and nothing of the machine it was on: inits,
 * packages and init outputs. An init that is not done is left out: the next machine begins it anew.
 *
 * @param t wall clock, milliseconds; the only time in it beside those of the inits.
 */
export function checkpointLines(state: MachineState, t: number): string[] {
  const entries = [...state.services].flatMap(([svc, service]): Entry[] => {
    if (service.inited === undefined && Object.keys(service.packages).length === 0) return [];
    const managers = Object.keys(service.packages) as (keyof typeof service.packages)[];
    return [
      { k: "checkpoint", svc, spec: { ...(service.inited && { init: service.inited }) } },
      ...managers.flatMap((manager) => packageEntries(svc, manager, service.packages[manager] ?? [])),
      ...outputEntries(svc, "init", service.outputs),
    ];
  });
  return entries.map((entry, index) => encodeRecord({ ...entry, n: index + 1, t, run: "checkpoint" }));
}

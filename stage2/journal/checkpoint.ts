import type { PackageManager, Phase } from "../types/service.ts";
import { outputEntries, packageEntries } from "./entries.ts";
import type { MachineState } from "./fold.ts";
import { type Entry, encodeRecord, type Stamp } from "./record.ts";

/**
 * The lines of a journal that says what `state` says of the lineage and nothing of the machine it was on: inits,
 * packages and init outputs. An init that is not done is left out: the next machine begins it anew.
 *
 * @param t wall clock, milliseconds; the only time in it beside those of the inits.
 */
export function checkpointLines(state: MachineState, t: number): string[] {
  return number(lineageEntries(state).map((entry) => ({ ...entry, t, run: "checkpoint" })));
}

/**
 * The lines of a shorter journal for the machine that goes on with it: a checkpoint, the phases that failed last, and
 * on which machines a whole update has ended well.
 */
export function compactLines(state: MachineState, t: number): string[] {
  const stamp = { t, run: state.lastClose?.run ?? "checkpoint" };
  const failed = [...state.services].flatMap(([svc, { phases }]) =>
    (Object.keys(phases) as Phase[]).flatMap((phase): Entry[] => {
      const standing = phases[phase];
      return standing?.is === "failed" ? [{ k: "fail", svc, phase, rc: -1, why: standing.why }] : [];
    }),
  );
  const { lastClose } = state;
  return number([
    ...[...lineageEntries(state), ...failed].map((entry) => ({ ...entry, ...stamp })),
    ...[...state.updated].map((mach) => ({
      k: "close" as const,
      rc: 0,
      why: "done",
      spec: { whole: true },
      mach,
      ...stamp,
    })),
    ...(lastClose ? [{ k: "close" as const, rc: lastClose.rc, why: lastClose.why, ...stamp, t: lastClose.t }] : []),
  ]);
}

function lineageEntries(state: MachineState): Entry[] {
  return [...state.services].flatMap(([svc, service]): Entry[] => {
    const managers = Object.keys(service.packages) as PackageManager[];
    if (service.inited === undefined && managers.length === 0) return [];
    return [
      { k: "checkpoint", svc, spec: { ...(service.inited && { init: service.inited }) } },
      ...managers.flatMap((manager) => packageEntries(svc, manager, service.packages[manager] ?? [])),
      ...outputEntries(svc, "init", service.outputs),
    ];
  });
}

function number(records: readonly (Entry & Omit<Stamp, "n">)[]): string[] {
  return records.map((record, index) => encodeRecord({ ...record, n: index + 1 }));
}

import type { PackageManager, Phase } from "../types/service.ts";
import { outputEntries, packageEntries } from "./entries.ts";
import type { MachineState } from "./fold.ts";
import { type Entry, encodeRecord, type ForeignRecord, type Stamp } from "./record.ts";

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
 * The lines of a shorter journal for the machine that goes on with it: a checkpoint, the phases that failed or were
 * interrupted last, and on which machines a whole update has ended well.
 *
 * @param foreign lines of kinds that this code does not know: a newer Bootlace wrote them, and may need them again.
 */
export function compactLines(state: MachineState, foreign: readonly ForeignRecord[], t: number): string[] {
  const stamp = { t, run: state.lastClose?.run ?? "checkpoint" };
  const failed = [...state.services].flatMap(([svc, { phases }]) =>
    (Object.keys(phases) as Phase[]).flatMap((phase): Entry[] => {
      const standing = phases[phase];
      if (standing?.is === "failed") return [{ k: "fail", svc, phase, rc: -1, why: standing.why }];
      return standing?.is === "started" ? [{ k: "fail", svc, phase, rc: -1, why: "interrupted" }] : [];
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
    ...foreign,
  ]);
}

function lineageEntries(state: MachineState): Entry[] {
  const renames = [...state.renamed].map(([svc, from]): Entry => ({ k: "rename", svc, spec: { from } }));
  const services = [...state.services].flatMap(([svc, service]): Entry[] => {
    const managers = Object.keys(service.packages) as PackageManager[];
    if (service.inited === undefined && managers.length === 0) return [];
    return [
      { k: "checkpoint", svc, spec: { ...(service.inited && { init: service.inited }) } },
      ...managers.flatMap((manager) => packageEntries(svc, manager, service.packages[manager] ?? [])),
      ...outputEntries(svc, "init", service.outputs),
    ];
  });
  // Renames first: there is nothing yet that they could move.
  return [...renames, ...services];
}

function number(records: readonly ((Entry & Omit<Stamp, "n">) | ForeignRecord)[]): string[] {
  return records.map((record, index) => {
    const { b: _, ...rest } = record;
    return encodeRecord({ ...rest, n: index + 1 } as ForeignRecord);
  });
}

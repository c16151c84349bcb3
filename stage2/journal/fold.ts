import type { PackageManager, Phase } from "../types/service.ts";
import { type ForeignRecord, isKnown, type JournalRecord, type RunSpec } from "./record.ts";

/** How the last try of a phase stands. */
export type Standing =
  | {
      readonly is: "started";
      readonly boot: string;
      readonly mach: string;
      readonly pid: number;
      readonly pst: number;
      readonly t: number;
      /** How often it has begun since its last outcome. */
      readonly times: number;
    }
  | { readonly is: "done"; readonly dig: string; readonly t: number }
  | { readonly is: "failed"; readonly why: string; readonly t: number }
  | { readonly is: "blocked"; readonly why: string; readonly t: number };

export interface ServiceState {
  readonly phases: Partial<Record<Phase, Standing>>;
  /** The last init that ended well; a later one that failed does not undo it. */
  inited?: { readonly dig: string; readonly t: number };
  readonly packages: Partial<Record<PackageManager, readonly string[]>>;
  /** Init outputs: they last with the lineage. */
  readonly outputs: Map<string, string>;
}

export interface OpenRun {
  readonly run: string;
  readonly boot: string;
  readonly mach: string;
  readonly bundle: string;
  readonly spec: RunSpec;
}

/** What the journal says, folded. */
export interface MachineState {
  readonly services: ReadonlyMap<string, ServiceState>;
  /** A run that was opened and not closed. */
  readonly openRun?: OpenRun;
  /** Machines (salted hashes) on which a whole update has ended well. */
  readonly updated: ReadonlySet<string>;
  /** New name → old name, of services that were renamed: a project that goes back is understood. */
  readonly renamed: ReadonlyMap<string, string>;
  readonly lastClose?: {
    readonly run: string;
    readonly rc: number;
    readonly why: string;
    readonly t: number;
    /** Id of the boot in which it was. */
    readonly boot?: string;
  };
  /** The last sequence number. */
  readonly n: number;
}

export const EMPTY_STATE: MachineState = { services: new Map(), updated: new Set(), renamed: new Map(), n: 0 };

/** Folds records in their order into what they mean. Unknown kinds are passed over. */
export function foldJournal(records: readonly (JournalRecord | ForeignRecord)[]): MachineState {
  const services = new Map<string, ServiceState>();
  const updated = new Set<string>();
  const renamed = new Map<string, string>();
  let openRun: OpenRun | undefined;
  let lastClose: MachineState["lastClose"];

  const of = (name: string): ServiceState => {
    const known = services.get(name);
    if (known !== undefined) return known;
    const fresh: ServiceState = { phases: {}, packages: {}, outputs: new Map() };
    services.set(name, fresh);
    return fresh;
  };

  for (const record of records) {
    if (!isKnown(record)) continue;
    switch (record.k) {
      case "open": {
        const { run, boot = "", mach = "", bundle, spec, part = 0 } = record;
        const before = part > 0 ? openRun?.spec : undefined;
        const roots = [...(before?.roots ?? []), ...spec.roots];
        const rerun = [...(before?.rerun ?? []), ...(spec.rerun ?? [])];
        openRun = { run, boot, mach, bundle, spec: { ...spec, roots, ...(rerun.length > 0 && { rerun }) } };
        break;
      }
      case "start": {
        const { boot = "", mach = "", pid, pst, t } = record;
        const last = of(record.svc).phases[record.phase];
        const times = last?.is === "started" && last.mach === mach ? last.times + 1 : 1;
        of(record.svc).phases[record.phase] = { is: "started", boot, mach, pid, pst, t, times };
        break;
      }
      case "done": {
        const service = of(record.svc);
        const done = { dig: record.dig ?? "", t: record.t };
        service.phases[record.phase] = { is: "done", ...done };
        if (record.phase === "init") service.inited = done;
        break;
      }
      case "fail":
        of(record.svc).phases[record.phase] = { is: "failed", why: record.why, t: record.t };
        break;
      case "packages": {
        const { manager, names, part } = record.spec;
        const { packages } = of(record.svc);
        packages[manager] = (part ?? 0) === 0 ? names : [...(packages[manager] ?? []), ...names];
        break;
      }
      case "output": {
        if (record.phase !== "init") break;
        const { name, value, part } = record.spec;
        const { outputs } = of(record.svc);
        outputs.set(name, (part ?? 0) === 0 ? value : (outputs.get(name) ?? "") + value);
        break;
      }
      case "close":
        openRun = undefined;
        lastClose = {
          run: record.run,
          rc: record.rc,
          why: record.why,
          t: record.t,
          ...(record.boot && { boot: record.boot }),
        };
        if (record.spec?.whole && record.mach !== undefined) updated.add(record.mach);
        break;
      case "checkpoint": {
        const service = of(record.svc);
        if (record.spec.init !== undefined) {
          service.inited = record.spec.init;
          service.phases.init = { is: "done", ...record.spec.init };
        }
        break;
      }
      case "rename": {
        const old = services.get(record.spec.from);
        if (old !== undefined) services.set(record.svc, old);
        services.delete(record.spec.from);
        renamed.set(record.svc, record.spec.from);
        break;
      }
      case "blocked": {
        const { phases } = of(record.svc);
        // An init that has ended well stays done: only its repetition was blocked.
        if (record.phase !== "init" || phases.init?.is !== "done")
          phases[record.phase] = { is: "blocked", why: record.why, t: record.t };
        break;
      }
    }
  }
  return {
    services,
    updated,
    renamed,
    n: records.at(-1)?.n ?? 0,
    ...(openRun && { openRun }),
    ...(lastClose && { lastClose }),
  };
}

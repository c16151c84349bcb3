import type { MachineState } from "../journal/fold.ts";
import type { Project } from "../types/service.ts";
import { duration, type Line } from "./lines.ts";

/** What a machine says of itself. */
export interface Status {
  readonly project: string;
  readonly machine: string;
  readonly provider: string;
  readonly purpose: string;
  readonly bundle: string;
  /** Text of stage1 where it could not boot what the channel points to, or empty. */
  readonly degraded: string;
  readonly lastRun?: {
    readonly run: string;
    readonly exit: number;
    readonly outcome: string;
    readonly t: number;
    /** False when the machine has booted since, and that boot has not ended a run yet. */
    readonly thisBoot: boolean;
  };
  readonly openRun?: string;
  readonly services: readonly ServiceStatus[];
  /** On the machine, no longer in the project. */
  readonly orphaned: readonly string[];
}

interface ServiceStatus {
  readonly service: string;
  readonly init: PhaseStatus;
  readonly update: PhaseStatus;
}

interface PhaseStatus {
  readonly is: "never" | "started" | "done" | "failed" | "blocked" | "none";
  readonly t?: number;
  readonly why?: string;
}

/** Reads the state of every service that the project has or the journal knows. @param boot id of this boot. */
export function statusOf(
  project: Project,
  state: MachineState,
  boot: string,
): Pick<Status, "services" | "orphaned" | "lastRun" | "openRun"> {
  const services = project.services.flatMap((service): ServiceStatus[] => {
    const known = state.services.get(service.name);
    if (known === undefined) return [];
    const phase = (name: "init" | "update"): PhaseStatus => {
      const standing = known.phases[name];
      if (standing === undefined) return { is: service.phases[name] === undefined ? "none" : "never" };
      return { is: standing.is, t: standing.t, ...("why" in standing && { why: standing.why }) };
    };
    return [{ service: service.name, init: phase("init"), update: phase("update") }];
  });
  const names = new Set(project.services.map((service) => service.name));
  const { lastClose, openRun } = state;
  return {
    services,
    orphaned: [...state.services.keys()].filter((name) => !names.has(name)).sort(),
    ...(lastClose && {
      lastRun: {
        run: lastClose.run,
        exit: lastClose.rc,
        outcome: lastClose.why,
        t: lastClose.t,
        thisBoot: lastClose.boot === undefined || lastClose.boot === boot,
      },
    }),
    ...(openRun && { openRun: openRun.run }),
  };
}

/** @param now wall clock, milliseconds. */
export function statusLines(status: Status, now: number): Line[] {
  const width = Math.max(7, ...status.services.map(({ service }) => service.length));
  const show = ({ is, t, why }: PhaseStatus): string => {
    if (is === "none") return "-";
    return `${is}${t === undefined ? "" : ` ${duration(Math.max(0, now - t))} ago`}${why ? ` (${why})` : ""}`;
  };
  return [
    {
      tone: "plain",
      text: `${status.project} on ${status.machine} (${status.provider}, ${status.purpose}), bundle ${status.bundle.slice(0, 12)}`,
    },
    ...(status.degraded === "" ? [] : [{ tone: "warn" as const, text: `degraded: ${status.degraded}` }]),
    ...(status.lastRun?.thisBoot === false && status.openRun === undefined
      ? [{ tone: "warn" as const, text: "this boot has ended no run yet: what follows is of the boot before" }]
      : []),
    ...(status.openRun === undefined ? [] : [{ tone: "warn" as const, text: `run ${status.openRun} is open` }]),
    ...(status.lastRun === undefined
      ? [{ tone: "dim" as const, text: "no run has ended yet" }]
      : [
          {
            tone: status.lastRun.exit === 0 ? ("good" as const) : ("bad" as const),
            text: `last run ${status.lastRun.run}: ${status.lastRun.outcome}, ${duration(Math.max(0, now - status.lastRun.t))} ago`,
          },
        ]),
    ...status.services.map(({ service, init, update }): Line => {
      const bad = [init.is, update.is].some((is) => is === "failed" || is === "blocked");
      return {
        tone: bad ? "bad" : "plain",
        text: `  ${service.padEnd(width)}  init ${show(init)}, update ${show(update)}`,
      };
    }),
    ...status.orphaned.map((name): Line => ({ tone: "warn", text: `  ${name}  left over: no longer in the project` })),
  ];
}

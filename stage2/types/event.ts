import type { Plan, Reason, StepId } from "./plan.ts";

/**
 * The one union of what happens. Journal lines, the terminal, `--json`, a desk that follows a machine and the
 * reports are readers of it. On disk: JSON lines in `runs/<id>/events.jsonl`; readers ignore kinds they do not know.
 */
export type Event = RunEvent | StepEvent | DeskEvent | NoticeEvent;

interface At {
  /** Wall clock, milliseconds since 1970. */
  readonly t: number;
}

export type RunEvent =
  | (At & {
      readonly k: "open";
      readonly run: string;
      readonly project: string;
      readonly machine: string;
      readonly boot: string;
      readonly bundle: string;
      /** True when an open run goes on after a reboot or a kill. */
      readonly resumed: boolean;
      readonly plan: Plan;
    })
  | (At & {
      readonly k: "close";
      readonly run: string;
      readonly outcome: "done" | "degraded" | "failed" | "interrupted" | "reboot";
      readonly exit: number;
      readonly failed: readonly StepId[];
      readonly blocked: readonly StepId[];
      readonly ignored: readonly StepId[];
      /** Steps on the longest chain, in order, and its length in milliseconds. */
      readonly criticalPath: readonly StepId[];
      readonly criticalMs: number;
      readonly ms: number;
    });

export type StepEvent =
  | (At & { readonly k: "start"; readonly step: StepId; readonly try: number; readonly why: Reason })
  | (At & { readonly k: "output"; readonly step: StepId; readonly text: string })
  | (At & { readonly k: "output-capped"; readonly step: StepId; readonly log: string })
  | (At & { readonly k: "retry"; readonly step: StepId; readonly reason: string; readonly waitMs: number })
  | (At & { readonly k: "waiting-ready"; readonly step: StepId; readonly for: string })
  | (At & { readonly k: "done"; readonly step: StepId; readonly ms: number })
  | (At & {
      readonly k: "fail";
      readonly step: StepId;
      readonly ms: number;
      /** `exit=1`, `signal=KILL`, `timeout=120s`, `ready=30s`, `packages`. */
      readonly reason: string;
      readonly message: string;
      /** The last lines of the script's output, redacted. */
      readonly tail: string;
      readonly log: string;
      readonly ignored: boolean;
    })
  | (At & { readonly k: "blocked"; readonly step: StepId; readonly by: StepId })
  | (At & {
      readonly k: "left-running";
      readonly step: StepId;
      readonly processes: readonly { pid: number; command: string }[];
    })
  | (At & { readonly k: "reboot"; readonly step: StepId });

/** A step of a desk recipe (build, up, deploy). `of` names what it acts on: `image web`, `machine dev`. */
export type DeskEvent =
  | (At & { readonly k: "desk-start"; readonly step: string; readonly of: string; readonly detail?: string })
  | (At & {
      readonly k: "desk-progress";
      readonly step: string;
      readonly of: string;
      readonly done: number;
      readonly total?: number;
      readonly unit: "bytes" | "items";
    })
  | (At & {
      readonly k: "desk-done";
      readonly step: string;
      readonly of: string;
      readonly ms: number;
      readonly detail?: string;
    })
  | (At & {
      readonly k: "desk-fail";
      readonly step: string;
      readonly of: string;
      readonly ms: number;
      readonly message: string;
    })
  | (At & {
      readonly k: "desk-undo";
      readonly step: string;
      readonly of: string;
      readonly ok: boolean;
      readonly message?: string;
    });

export type NoticeEvent = At & {
  readonly k: "notice";
  readonly level: "info" | "warning";
  readonly code: string;
  readonly message: string;
};

/** Makes the compiler name each reader that forgot a kind. */
export function unreachable(value: never): never {
  throw new Error(`Unhandled: ${JSON.stringify(value)}`);
}

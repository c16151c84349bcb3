import type { Entry } from "../../journal/record.ts";
import type { Event } from "../../types/event.ts";
import type { Facts } from "../../types/facts.ts";
import type { StepId } from "../../types/plan.ts";
import type { Service } from "../../types/service.ts";
import type { LanePool } from "../lane.ts";
import type { LogFollower } from "../log-follower.ts";
import type { Paths } from "../paths.ts";

/** An event as steps hand it over: the time is put in at one place. */
export type Happening = Event extends infer One ? (One extends { t: number } ? Omit<One, "t"> : never) : never;

/** What the steps of one run share. */
export interface RunContext {
  readonly run: string;
  readonly paths: Paths;
  readonly facts: Facts;
  readonly services: ReadonlyMap<string, Service>;
  /** Folder of the unpacked bundle, or what stands in for it where a service has left the project. */
  readonly folderOf: (service: string) => string;
  /** Folder of this run's logs and events. */
  readonly runDir: string;
  readonly firstBoot: boolean;
  /** Steps that began in earlier boots or runs without an outcome, and how often in a row. */
  readonly unfinished: ReadonlyMap<StepId, number>;
  readonly lanes: LanePool;
  /** Outputs of inits (from the journal too) and of this run's updates. */
  readonly outputs: Map<string, Map<string, string>>;
  readonly emit: (happening: Happening) => void;
  /** Does something once the scripts that could start have been started. */
  readonly later: (work: () => void) => void;
  /** Makes entries durable before it returns. */
  readonly record: (entries: readonly Entry[]) => void;
  /** Aborted when the run has to stop; its reason is the signal's name. */
  readonly stop: AbortSignal;
  /** Logs of steps that come next, made while others run. */
  readonly prepared: Map<StepId, LogFollower>;
  /** Steps whose output is being followed, polled by one timer. */
  readonly followed: Map<StepId, { poll(): void }>;
}

/** How a step ended, and what the journal has to say of it. */
export type StepResult =
  | { readonly how: "done"; readonly entries: readonly Entry[] }
  | {
      readonly how: "failed";
      readonly entries: readonly Entry[];
      readonly reason: string;
      readonly message: string;
      readonly tail: string;
      readonly log: string;
    }
  | { readonly how: "interrupted"; readonly entries: readonly Entry[] }
  | { readonly how: "reboot" };

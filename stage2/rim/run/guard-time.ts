import { setTimeout as sleep } from "node:timers/promises";
import type { Lane } from "../lane.ts";
import { type ProcessInfo, sessionMembers, signalAll, variableOf } from "../processes.ts";
import type { RunContext } from "./context.ts";

/** How long a script has between TERM and KILL, milliseconds. */
export const GRACE = 5000;

/** What made a script end before it wanted to. */
export type EndedEarly = "timeout" | "interrupted";

export interface Guard {
  /** To be awaited when the script's main process has ended: where we ended it, the rest of its session goes too. */
  readonly finish: () => Promise<EndedEarly | undefined>;
}

/**
 * Ends a script and what it has started when its time is over or the run has to stop: TERM, grace, KILL.
 *
 * @param service whose script it is: a daemon that another service left in the same lane is spared.
 * @param started when it began, in clock ticks since boot: what began before is spared too.
 * @param timeout milliseconds, or undefined for none.
 */
export function guardTime(
  context: RunContext,
  lane: Lane,
  service: string,
  started: number,
  timeout: number | undefined,
): Guard {
  let ended: EndedEarly | undefined;
  let deadline = Number.POSITIVE_INFINITY;
  let killer: NodeJS.Timeout | undefined;
  const members = (): ProcessInfo[] =>
    sessionMembers(lane.session, started).filter(
      ({ pid }) => pid !== lane.session && (variableOf(pid, "BOOTLACE_SERVICE") ?? service) === service,
    );
  const end = (why: EndedEarly): void => {
    if (ended !== undefined) return;
    ended = why;
    deadline = performance.now() + GRACE;
    signalAll(members(), "SIGTERM");
    // Again and again: what forks faster than it is killed comes to its end too.
    killer = setInterval(() => {
      if (performance.now() >= deadline) signalAll(members(), "SIGKILL");
    }, 100);
  };
  const onStop = (): void => end("interrupted");
  if (context.stop.aborted) onStop();
  context.stop.addEventListener("abort", onStop, { once: true });
  const timer = timeout === undefined ? undefined : setTimeout(() => end("timeout"), timeout);
  return {
    finish: async () => {
      clearTimeout(timer);
      context.stop.removeEventListener("abort", onStop);
      while (ended !== undefined && members().length > 0) await sleep(20);
      clearInterval(killer);
      return ended;
    },
  };
}

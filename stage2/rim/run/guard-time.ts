import type { Lane } from "../lane.ts";
import { signalGroup } from "../processes.ts";
import type { RunContext } from "./context.ts";

/** How long a script has between TERM and KILL, milliseconds. */
export const GRACE = 5000;

/** What made a script end before it wanted to. */
export type EndedEarly = "timeout" | "interrupted";

export interface Guard {
  readonly ended: () => EndedEarly | undefined;
  /** To be called when the script has ended. */
  readonly clear: () => void;
}

/**
 * Ends a script's group when its time is over or the run has to stop: TERM, grace, KILL.
 *
 * @param started when it began, in clock ticks since boot: what began before in the same lane is spared.
 * @param timeout milliseconds, or undefined for none.
 */
export function guardTime(context: RunContext, lane: Lane, started: number, timeout: number | undefined): Guard {
  let ended: EndedEarly | undefined;
  const timers: NodeJS.Timeout[] = [];
  const endGroup = (why: EndedEarly): void => {
    if (ended !== undefined) return;
    ended = why;
    // The lane's own shell may have begun in the same hundredth of a second: it is spared.
    const signal = (name: NodeJS.Signals): number => signalGroup(lane.group, started, name, lane.group);
    signal("SIGTERM");
    // Again and again: a group that forks faster than it is killed comes to its end too.
    timers.push(setTimeout(() => timers.push(setInterval(() => signal("SIGKILL"), 100)), GRACE));
  };
  const onStop = (): void => endGroup("interrupted");
  if (context.stop.aborted) onStop();
  context.stop.addEventListener("abort", onStop, { once: true });
  if (timeout !== undefined) timers.push(setTimeout(() => endGroup("timeout"), timeout));
  return {
    ended: () => ended,
    clear: () => {
      for (const timer of timers) clearTimeout(timer);
      context.stop.removeEventListener("abort", onStop);
    },
  };
}

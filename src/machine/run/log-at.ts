import type { Event } from "../../../stage2/index.ts";

/** Events of a machine as the desk's user needs them: where a log can be read is a command, not a path of the machine. */
export const logAt =
  (target: string, onEvent: (event: Event) => void) =>
  (event: Event): void =>
    onEvent("log" in event && event.log !== "" ? { ...event, log: `bootlace logs ${target} ${event.step}` } : event);

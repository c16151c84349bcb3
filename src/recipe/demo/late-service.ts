import { BootlaceError, type Event } from "../../../stage2/index.ts";

/**
 * Holds a run to the promise of "When what runs": what is new gets its init, dependencies first, and only after all of
 * them anybody's update.
 *
 * @returns the inits in the order in which they started.
 * @throws {BootlaceError} `E_RUN_FAILED` when the events tell otherwise.
 */
export function assertInitsFirst(events: readonly Event[], expected: readonly string[]): readonly string[] {
  const started = events.flatMap((event) => (event.k === "start" ? [event.step] : []));
  const inits = started.filter((step) => step.endsWith(".init"));
  const firstUpdate = started.findIndex((step) => step.endsWith(".update"));
  const early = started.slice(0, firstUpdate).filter((step) => step.endsWith(".init"));
  if (early.length === inits.length && expected.every((step, at) => inits[at] === step)) return inits;
  throw new BootlaceError(
    "E_RUN_FAILED",
    `Expected ${expected.join(", ")} before every update; came ${started.join(", ")}`,
  );
}

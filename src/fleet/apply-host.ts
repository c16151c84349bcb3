import { type Event, newRunId } from "../../stage2/index.ts";
import { deskStep } from "../machine/desk-step.ts";
import { deliver } from "../machine/run/deliver.ts";
import { runAndFollow } from "../machine/run/run-phase.ts";
import { sendSecrets } from "../machine/run/send-secrets.ts";
import type { Session } from "../session/session.ts";
import type { Contact } from "./contact.ts";
import { holdMachine } from "./hold.ts";
import type { Payloads } from "./payloads.ts";
import type { Wish } from "./plan-at-desk.ts";
import type { HostResult } from "./result.ts";
import { resultOf } from "./run-result.ts";

export interface ApplyOptions {
  readonly wish: Wish;
  readonly hook: boolean;
  readonly wait: boolean;
  readonly strict: boolean;
  readonly jobs?: number;
}

/** What is known of a run even when following it ended early. */
export interface Launched {
  run?: string;
}

/**
 * Delivers to one machine what it lacks and follows the run there to its end.
 *
 * @param launched gets the run's id as soon as the machine is asked to begin it.
 * @throws {BootlaceError} `E_LOCKED`, and what sessions and runs throw; a run that failed is a result.
 */
export async function applyToHost(
  contact: Contact,
  payloads: Payloads,
  options: ApplyOptions,
  launched: Launched,
  onEvent: (event: Event) => void,
  signal: AbortSignal,
): Promise<Pick<HostResult, "outcome" | "exit" | "code" | "message" | "run">> {
  const { link, loaded, planned, secrets, seen } = contact;
  const { wish, hook, wait, strict, jobs } = options;
  const [bundle, runtime] = await Promise.all([payloads.bundle(loaded), payloads.runtime(loaded, seen)]);
  const session = await link.session(signal);
  const held = await holdMachine(session, wait, signal);
  try {
    await deskStep(onEvent, { step: "deliver", of: "apply" }, () =>
      deliver(session, { loaded, bundle, runtime, roots: planned.roots, hook }, signal),
    );
    await sendSecrets(session, secrets);
    const run = newRunId();
    launched.run = run;
    const { services, phase, rerun, assumeInit } = wish;
    const request = {
      run,
      services,
      rerun,
      assumeInit,
      strict,
      ...(phase && { phase }),
      ...(jobs && { jobs }),
    };
    const onReconnect = (again: Session) => sendSecrets(again, secrets);
    return resultOf(await runAndFollow(link, request, { onEvent, signal, onReconnect }));
  } finally {
    await held.release();
  }
}

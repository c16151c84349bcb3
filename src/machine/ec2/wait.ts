import { setTimeout as sleep } from "node:timers/promises";
import { BootlaceError } from "../../../stage2/index.ts";
import { abortError, throwIfAborted } from "../../session/abort.ts";
import { awsCode } from "./ec2-errors.ts";

export interface Waiting {
  /** Milliseconds. */
  readonly within: number;
  /** Milliseconds between two looks. */
  readonly every: number;
  readonly signal?: AbortSignal | undefined;
  /** The error when time is up; gets the last passing one. */
  readonly late: (last: unknown) => Promise<Error> | Error;
  /** Errors that pass: what was created a moment ago is not known everywhere at once. */
  readonly passing?: RegExp;
  /** For looks that change nothing: a network that is gone for a while, as when a laptop wakes up, ends no wait of hours. */
  readonly overOutages?: boolean;
}

/**
 * Looks until there is an answer.
 *
 * @throws what the look throws unless it passes; what `late` makes; an AbortError.
 */
export async function waitFor<T>(look: () => Promise<T | undefined>, waiting: Waiting): Promise<T> {
  const { within, every, signal, late, passing } = waiting;
  const end = performance.now() + within;
  let last: unknown;
  for (;;) {
    throwIfAborted(signal);
    try {
      const found = await look();
      if (found !== undefined) return found;
    } catch (error) {
      const isOutage = error instanceof BootlaceError && error.code === "E_AWS_UNREACHABLE";
      if (!passing?.test(awsCode(error)) && !(waiting.overOutages && isOutage)) throw error;
      last = error;
    }
    if (performance.now() > end) throw await late(last);
    await pause(every, signal);
  }
}

/** @throws an AbortError when the signal is given meanwhile. */
export async function pause(milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
  try {
    await sleep(milliseconds, undefined, signal ? { signal } : {});
  } catch (error) {
    throw signal?.aborted ? abortError(signal) : error;
  }
}

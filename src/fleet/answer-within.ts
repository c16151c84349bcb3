import { BootlaceError } from "../../stage2/index.ts";

/** How long a machine may take to answer what is asked of it, in milliseconds. */
export const ANSWER_WITHIN = 60_000;

/**
 * Waits for a machine's answer, and not for ever: one that holds the connection open and says nothing counts as out of
 * reach, so that a fleet can go on without it.
 *
 * @param within milliseconds.
 * @param ask gets a signal that ends what it began; whether it ends is not waited for.
 * @throws {BootlaceError} `E_SESSION_CONNECT` when the time is over, and what `ask` throws.
 */
export async function answerWithin<T>(
  within: number,
  what: string,
  ask: (signal: AbortSignal) => Promise<T>,
  signal?: AbortSignal,
): Promise<T> {
  const end = new AbortController();
  const signals = signal ? AbortSignal.any([signal, end.signal]) : end.signal;
  const asked = ask(signals);
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(new BootlaceError("E_SESSION_CONNECT", `${what}: no answer within ${within / 1000} s`));
      end.abort();
    }, within);
  });
  try {
    return await Promise.race([asked, late]);
  } finally {
    clearTimeout(timer);
    asked.catch(() => {});
  }
}

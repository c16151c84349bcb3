/** What an aborted wait is rejected with: an AbortError whose cause is the signal's reason (`SIGINT`). */
export function abortError(signal: AbortSignal): Error {
  if (signal.reason instanceof Error) return signal.reason;
  const error = new Error(`Interrupted${signal.reason ? ` by ${String(signal.reason)}` : ""}`, {
    cause: signal.reason,
  });
  error.name = "AbortError";
  return error;
}

/** @throws an AbortError once the signal was given. */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw abortError(signal);
}

import { abortError } from "../session/abort.ts";
import { watchTree } from "./watch-tree.ts";

/** Editors write a file in several steps; so much quiet ends a change, in milliseconds. */
const QUIET = 150;

/**
 * Calls `act` after each change below the project's folder, one at a time; changes meanwhile count as one more.
 * `onWatching` tells that no change is missed from now on. Ends only by the signal, and not before `act` has. What `act`
 * throws goes to `onError`, because the next save may mend it.
 *
 * @throws an AbortError.
 */
export async function watchServices(
  dir: string,
  signal: AbortSignal,
  act: () => Promise<void>,
  onError: (error: unknown) => void,
  onWatching: () => void = () => {},
): Promise<never> {
  let timer: NodeJS.Timeout | undefined;
  let running: Promise<void> | undefined;
  let again = false;
  const once = async (): Promise<void> => {
    do {
      again = false;
      await act();
    } while (again && !signal.aborted);
  };
  const run = (): void => {
    again = true;
    running ??= once()
      .catch((error: unknown) => {
        if (!signal.aborted) onError(error);
      })
      .finally(() => {
        running = undefined;
      });
  };
  const onChange = (): void => {
    clearTimeout(timer);
    timer = setTimeout(run, QUIET);
  };
  const stop = watchTree(dir, onChange, onError);
  try {
    onWatching();
    await new Promise<void>((resolve) => {
      if (signal.aborted) return resolve();
      signal.addEventListener("abort", () => resolve(), { once: true });
    });
  } finally {
    clearTimeout(timer);
    stop();
  }
  await running;
  throw abortError(signal);
}

import { watch } from "node:fs";
import { abortError } from "../session/abort.ts";

/** Editors write a file in several steps; so much quiet ends a change, in milliseconds. */
const QUIET = 150;

/**
 * Calls `act` after each change below the project's folder, one at a time; changes meanwhile count as one more.
 * `onWatching` tells that no change is missed from now on. Ends only by the signal. What `act` throws goes to `onError`, because the next save may mend it.
 *
 * @throws an AbortError.
 */
export function watchServices(
  dir: string,
  signal: AbortSignal,
  act: () => Promise<void>,
  onError: (error: unknown) => void,
  onWatching: () => void = () => {},
): Promise<never> {
  return new Promise((_resolve, reject) => {
    let timer: NodeJS.Timeout | undefined;
    let busy = false;
    let again = false;
    const run = async () => {
      if (busy) {
        again = true;
        return;
      }
      busy = true;
      try {
        do {
          again = false;
          await act();
        } while (again && !signal.aborted);
      } catch (error) {
        if (!signal.aborted) onError(error);
      } finally {
        busy = false;
      }
    };
    const watcher = watch(dir, { recursive: true }, (_event, name) => {
      if (name === null || /^\.|(^|\/)\.git\/|~$/.test(name)) return;
      clearTimeout(timer);
      timer = setTimeout(run, QUIET);
    });
    const end = () => {
      clearTimeout(timer);
      watcher.close();
      reject(abortError(signal));
    };
    if (signal.aborted) return end();
    signal.addEventListener("abort", end, { once: true });
    onWatching();
  });
}

import { createHash } from "node:crypto";
import { BootlaceError } from "../../stage2/index.ts";
import { asDeskFilesError } from "../cli/desk-files-error.ts";
import { type Downloaded, download } from "./download.ts";
import { FetchFailure, type Fetching, TooLong } from "./fetching.ts";
import { httpsSource } from "./https-source.ts";
import { LOCK_FILE, type Locked } from "./lock-file.ts";
import { type RemoteSource, shownSource } from "./remote-source.ts";

const running = new Map<string, Promise<Downloaded>>();

/**
 * Brings a source into the desk's cache, whatever is there already; callers in one process share one fetch.
 *
 * @param expected What it should be: a partial file is taken up again, and more bytes than that are not taken.
 * @returns what came; the caller compares.
 * @throws {BootlaceError} `E_ARTIFACT_GET`, `E_DESK_FILES`; `E_ARTIFACT_CHANGED` when more than expected comes.
 */
export function obtain(
  source: RemoteSource,
  expected: Locked | undefined,
  fetching: Fetching = {},
): Promise<Downloaded> {
  const key = `${source.id} ${expected?.digest ?? ""}`;
  const started = running.get(key) ?? told(source, expected, fetchOne(source, expected, fetching));
  running.set(key, started);
  const forget = (): void => void (running.get(key) === started && running.delete(key));
  started.then(forget, forget);
  return started;
}

async function fetchOne(source: RemoteSource, expected: Locked | undefined, fetching: Fetching): Promise<Downloaded> {
  if (source.kind === "git") {
    const { fetchGit } = await import("./git-source.ts");
    return fetchGit(source, fetching);
  }
  const part = createHash("sha256").update(`${source.id} ${expected?.digest}`).digest("hex").slice(0, 32);
  const open = source.kind === "https" ? httpsSource(source.url) : (await import("./s3-source.ts")).s3Source(source);
  return download(open, part, expected, fetching);
}

async function told(
  source: RemoteSource,
  expected: Locked | undefined,
  fetched: Promise<Downloaded>,
): Promise<Downloaded> {
  try {
    return await fetched;
  } catch (error) {
    if (!(error instanceof FetchFailure)) throw asDeskFilesError(error);
    const own = asDeskFilesError(error.cause);
    if (own instanceof BootlaceError) throw own;
    if (error instanceof TooLong && expected !== undefined) {
      const was = `${LOCK_FILE} names ${expected.digest} (${expected.bytes} bytes)`;
      throw new BootlaceError("E_ARTIFACT_CHANGED", `${shownSource(source)} has changed: ${was}, more bytes came`);
    }
    throw new BootlaceError("E_ARTIFACT_GET", `${shownSource(source)} could not be fetched: ${error.message}`, {
      cause: error,
      ...(error.hint === undefined ? {} : { hint: error.hint }),
    });
  }
}

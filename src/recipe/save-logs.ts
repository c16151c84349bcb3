import { existsSync } from "node:fs";
import { basename, join } from "node:path";
import { PassThrough } from "node:stream";
import { type ArchiveLimits, BootlaceError } from "../../stage2/index.ts";
import type { CloseEvent } from "../machine/run/follow-run.ts";
import type { Link } from "../machine/run/link.ts";
import { assertRunEnded, type Following } from "../machine/run/run-phase.ts";
import { unpackArchive } from "../unpack/unpack-archive.ts";
import type { StepTools } from "./recipe.ts";

/** Files and folders only; a run's logs may be long, but not endless. */
const LIMITS: ArchiveLimits = { entries: 20_000, bytes: 1024 ** 3, links: false };
const RUN_ID = /^[0-9A-Za-z][0-9A-Za-z-]{0,63}$/;

/** How long saving may take before the first error is told without it, in milliseconds. */
const SAVE_WITHIN = 30_000;

export interface LoggedRun {
  /** The project's folder. */
  readonly dir: string;
  /** Of the build or test: `.bootlace/logs/<id>/<run>/` gets the logs. */
  readonly id: string;
  readonly link: Link;
  /** For the error: `image web, init`. */
  readonly where: string;
}

/**
 * Follows a run to its end. When it does not end well, its logs are copied to the desk before the machine goes, and the
 * error's hint names the log of the first script that failed.
 *
 * @throws {BootlaceError} what following throws; `E_RUN_FAILED` unless the run ended well or degraded.
 */
export async function followOrSaveLogs(
  { dir, id, link, where }: LoggedRun,
  { signal, report }: StepTools,
  follow: (following: Following) => Promise<CloseEvent>,
): Promise<void> {
  let run: string | undefined;
  let log = "";
  const onEvent: Following["onEvent"] = (event) => {
    // The machine may say anything, and this becomes the name of a folder.
    if (event.k === "open" && RUN_ID.test(event.run)) run = event.run;
    if (event.k === "fail" && !event.ignored && log === "") log = basename(event.log);
    report(event);
  };
  try {
    assertRunEnded(await follow({ onEvent, signal }), where);
  } catch (error) {
    if (signal.aborted || run === undefined || !(error instanceof BootlaceError)) throw error;
    const folder = join(dir, ".bootlace", "logs", id, run);
    const isSaved = await saveRun(link, run, folder).catch((cause) => {
      if (!(cause instanceof BootlaceError && cause.code === "E_ARCHIVE")) return false;
      const hint = [error.hint ?? "", `${cause.message}.`].filter(Boolean).join(" ");
      throw new BootlaceError(error.code, error.message, { hint, cause: error });
    });
    if (!isSaved) throw error;
    const first = join(folder, log);
    const hint = [error.hint ?? "", `Read ${existsSync(first) ? first : folder}`].filter(Boolean).join(" ");
    throw new BootlaceError(error.code, error.message, { hint, cause: error });
  }
}

/** Answers whether all of it came. @throws {BootlaceError} `E_ARCHIVE` when the machine sends what no run leaves. */
async function saveRun(link: Link, run: string, folder: string): Promise<boolean> {
  const refused = new AbortController();
  const signal = AbortSignal.any([refused.signal, AbortSignal.timeout(SAVE_WITHIN)]);
  const session = await link.session(signal);
  const stdout = new PassThrough();
  let isWhole = false;
  const sent = session
    .exec(["tar", "-C", `/var/lib/bootlace/runs/${run}`, "-cf", "-", "."], { stdout, signal })
    .then(
      ({ exit }) => {
        isWhole = exit === 0;
      },
      () => {},
    )
    .finally(() => stdout.end());
  try {
    // tar sends zeros behind the end, which it wants to get rid of before it ends well.
    const source = stdout.iterator({ destroyOnReturn: false });
    await unpackArchive(source, folder, { limits: LIMITS, what: `the logs of run ${run}` });
  } catch (error) {
    const isCut = stdout.writableEnded && !isWhole;
    refused.abort();
    stdout.destroy();
    await sent;
    if (isCut) return false;
    throw error;
  }
  stdout.resume();
  await sent;
  return isWhole;
}

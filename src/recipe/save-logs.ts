import { existsSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { basename, join } from "node:path";
import { PassThrough } from "node:stream";
import { pipeline } from "node:stream/promises";
import { extract } from "tar";
import { BootlaceError } from "../../stage2/index.ts";
import type { CloseEvent } from "../machine/run/follow-run.ts";
import type { Link } from "../machine/run/link.ts";
import { assertRunEnded, type Following } from "../machine/run/run-phase.ts";
import type { StepTools } from "./recipe.ts";

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
    if (event.k === "open") run = event.run;
    if (event.k === "fail" && !event.ignored && log === "") log = basename(event.log);
    report(event);
  };
  try {
    assertRunEnded(await follow({ onEvent, signal }), where);
  } catch (error) {
    if (signal.aborted || run === undefined || !(error instanceof BootlaceError)) throw error;
    const folder = join(dir, ".bootlace", "logs", id, run);
    const isSaved = await saveRun(link, run, folder).catch(() => false);
    if (!isSaved) throw error;
    const first = join(folder, log);
    const hint = [error.hint ?? "", `Read ${existsSync(first) ? first : folder}`].filter(Boolean).join(" ");
    throw new BootlaceError(error.code, error.message, { hint, cause: error });
  }
}

/** Answers whether all of it came. Only files and folders are unpacked, whatever the machine sends. */
async function saveRun(link: Link, run: string, folder: string): Promise<boolean> {
  const signal = AbortSignal.timeout(SAVE_WITHIN);
  const session = await link.session(signal);
  await mkdir(folder, { recursive: true });
  const stdout = new PassThrough();
  const filter = (_: string, entry: object): boolean =>
    "type" in entry && (entry.type === "File" || entry.type === "Directory");
  const unpacked = pipeline(stdout, extract({ cwd: folder, filter, preserveOwner: false }));
  const [result] = await Promise.all([
    session
      .exec(["tar", "-C", `/var/lib/bootlace/runs/${run}`, "-cf", "-", "."], { stdout, signal })
      .finally(() => stdout.end()),
    unpacked,
  ]);
  return result.exit === 0;
}

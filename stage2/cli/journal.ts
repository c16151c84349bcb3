import { copyFileSync, existsSync, readFileSync, rmSync } from "node:fs";
import { BootlaceError } from "../errors/bootlace-error.ts";
import { EXIT, type ExitCode } from "../errors/codes.ts";
import { checkpointLines } from "../journal/checkpoint.ts";
import { parseJournal } from "../journal/parse.ts";
import { planRepair } from "../journal/repair.ts";
import { readJournal, readState, writeJournal } from "../rim/journal-file.ts";
import { takeLock } from "../rim/lock.ts";
import type { Arguments } from "./arguments.ts";
import { openMachine } from "./machine.ts";

/** `journal show`: its lines. `journal repair [--yes]`: what a repair would keep and lose; with `--yes` it is done. */
export async function journalCommand(args: Arguments): Promise<ExitCode> {
  const { paths, facts } = openMachine(args);
  const [, what = "show"] = args.words;
  if (what === "show") {
    for (const record of readJournal(paths.journal).records) process.stdout.write(`${JSON.stringify(record)}\n`);
    return EXIT.ok;
  }
  if (what !== "repair") throw new BootlaceError("E_USAGE", `Expected: journal show | repair, got "${what}"`);
  const bytes = existsSync(paths.journal) ? readFileSync(paths.journal) : Buffer.alloc(0);
  const { damage } = parseJournal(bytes);
  if (damage === undefined) {
    process.stdout.write("The journal is whole: there is nothing to repair\n");
    return EXIT.ok;
  }
  if (damage.newer) throw new BootlaceError("E_JOURNAL_VERSION", `Line ${damage.line}: ${damage.why}`);
  const repair = planRepair(bytes);
  process.stdout.write(repair.lines.map((line) => `${line}\n`).join(""));
  if (!args.values.yes) {
    process.stdout.write("Nothing was changed. To do this: bootlace journal repair --yes\n");
    return EXIT.journal;
  }
  const lock = await takeLock(
    paths.lock,
    { pid: process.pid, started: 0, boot: facts.boot, run: "journal-repair" },
    false,
  );
  const kept = `${paths.journal}.damaged-${Date.now()}`;
  copyFileSync(paths.journal, kept);
  writeJournal(paths.journal, repair.journal);
  lock.release();
  process.stdout.write(`Done. The damaged journal is kept as ${kept}\n`);
  return EXIT.ok;
}

/**
 * `checkpoint`: the last step of sealing. The journal is rewritten so that it names no machine, and runs/ is dropped.
 *
 * @throws {BootlaceError} `E_RUN_OPEN` while a run is open: an image would carry a half-done machine.
 */
export async function checkpointCommand(args: Arguments): Promise<ExitCode> {
  const { paths, facts } = openMachine(args);
  const lock = await takeLock(paths.lock, { pid: process.pid, started: 0, boot: facts.boot, run: "checkpoint" }, false);
  try {
    const state = readState(paths.journal);
    if (state.openRun !== undefined) {
      throw new BootlaceError(
        "E_RUN_OPEN",
        `Run ${state.openRun.run} is open: the machine cannot be captured like this`,
      );
    }
    writeJournal(paths.journal, checkpointLines(state, Date.now()).join(""));
    rmSync(paths.runs, { recursive: true, force: true });
    rmSync(paths.handoff, { recursive: true, force: true });
  } finally {
    lock.release();
  }
  rmSync(paths.lock, { force: true });
  return EXIT.ok;
}

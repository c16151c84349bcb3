import { copyFileSync, existsSync, readdirSync, readFileSync, rmSync, truncateSync } from "node:fs";
import { join } from "node:path";
import { BootlaceError } from "../errors/bootlace-error.ts";
import { EXIT, type ExitCode } from "../errors/exit.ts";
import { checkpointLines } from "../journal/checkpoint.ts";
import { parseJournal } from "../journal/parse.ts";
import { planRepair } from "../journal/repair.ts";
import { readFacts } from "../rim/facts.ts";
import { isLost, readJournal, readState, writeJournal } from "../rim/journal-file.ts";
import { takeLock } from "../rim/lock.ts";
import { type Paths, pathsUnder } from "../rim/paths.ts";
import type { Arguments } from "./arguments.ts";
import { openMachine } from "./machine.ts";

/** `journal show`: its lines. `journal repair [--yes]`: what a repair would keep and lose; with `--yes` it is done. */
export async function journalCommand({ values, words }: Arguments): Promise<ExitCode> {
  const paths = pathsUnder(values.root ?? process.env.BOOTLACE_ROOT ?? "/");
  const [, what = "show"] = words;
  if (what === "show") {
    for (const record of readJournal(paths.journal).records) process.stdout.write(`${JSON.stringify(record)}\n`);
    return EXIT.ok;
  }
  if (what !== "repair") throw new BootlaceError("E_USAGE", `Expected: journal show | repair, got "${what}"`);
  if (!existsSync(paths.lib)) throw new BootlaceError("E_STATE", `There is no ${paths.lib}: nothing has run here`);
  const { boot } = readFacts(paths.seed);
  const lock = await takeLock(paths.lock, { pid: process.pid, started: 0, boot, run: "journal-repair" }, false);
  try {
    return repair(paths, values.yes ?? false);
  } finally {
    lock.release();
  }
}

function repair(paths: Paths, yes: boolean): ExitCode {
  const bytes = existsSync(paths.journal) ? readFileSync(paths.journal) : Buffer.alloc(0);
  if (parseJournal(bytes).damage === undefined && !isLost(paths.journal, paths.lineage)) {
    process.stdout.write("The journal is whole: there is nothing to repair\n");
    return EXIT.ok;
  }
  const { journal, lines } = planRepair(bytes);
  process.stdout.write(lines.map((line) => `${line}\n`).join(""));
  if (!yes) {
    process.stdout.write("Nothing was changed. To do this, say it again with --yes\n");
    return EXIT.journal;
  }
  const kept = `${paths.journal}.damaged-${Date.now()}`;
  if (existsSync(paths.journal)) copyFileSync(paths.journal, kept);
  writeJournal(paths.journal, journal);
  process.stdout.write(existsSync(kept) ? `Done. The damaged journal is kept as ${kept}\n` : "Done\n");
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
    for (const name of readdirSync(paths.lib)) if (name.startsWith("journal.damaged-")) rmSync(join(paths.lib, name));
    rmSync(paths.runs, { recursive: true, force: true });
    rmSync(paths.handoff, { recursive: true, force: true });
    // It names the builder's process and boot. It is not removed: who waits for it holds the file that is there.
    truncateSync(paths.lock);
  } finally {
    lock.release();
  }
  return EXIT.ok;
}

import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { BootlaceError, type ExitCode, pathsUnder } from "../../../stage2/index.ts";
import { runnerFile } from "../../bundle/runner-file.ts";
import type { CommandContext } from "../../cli/command.ts";
import { runHere } from "./run-here.ts";

/**
 * The machine's own `journal` command for the machine that the desk stands on. Needs no project: a journal has to be
 * mended also where the bundle that wrote it is gone.
 *
 * @throws {BootlaceError} `E_USAGE` without `--here`.
 */
export async function journalHere(
  what: "show" | "repair",
  { options, yes, signal }: Pick<CommandContext, "options" | "yes" | "signal">,
): Promise<ExitCode> {
  if (options.here !== true) {
    throw new BootlaceError("E_USAGE", "Expected --here: the journal of the very machine that this is typed on", {
      hint: `On a machine of the project: bootlace shell MACHINE, then \`bootlace journal ${what}\`.`,
    });
  }
  const { root } = pathsUnder(typeof options.root === "string" ? options.root : "/");
  const folder = await mkdtemp(join(tmpdir(), "bootlace-runner-"));
  try {
    const runner = join(folder, "stage2.mjs");
    await writeFile(runner, await runnerFile());
    return await runHere(runner, ["journal", what, "--root", root, ...(yes ? ["--yes"] : [])], signal);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

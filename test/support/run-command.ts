import { PassThrough } from "node:stream";
import type { CommandContext, CommandRun } from "../../src/cli/command.ts";

/** Runs a command as nobody at a terminal; answers what it printed. */
export async function runCommand(
  run: CommandRun,
  dir: string,
  args: readonly string[],
  more: Partial<CommandContext> = {},
): Promise<string> {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  const signal = new AbortController().signal;
  await run({ dir, args, options: {}, json: false, yes: false, stdout, stderr, signal, ...more });
  return String(stdout.read() ?? "");
}

import { EXIT, type ExitCode, printable } from "../../stage2/index.ts";
import type { CommandContext } from "../cli/command.ts";
import { instanceConsole } from "../machine/providers.ts";
import { regionOf } from "./command-targets.ts";
import { consoleStateLines, readConsoleState } from "./console-state.ts";

/**
 * `bootlace status i-…` where nobody can log in: the state by what the instance printed.
 *
 * @param why there is no session.
 * @throws what asking EC2 throws.
 */
export async function consoleStatus(
  { dir, json, stdout }: Pick<CommandContext, "dir" | "json" | "stdout">,
  id: string,
  why: string,
): Promise<ExitCode> {
  const text = await instanceConsole(id, regionOf(dir));
  const state = readConsoleState(text);
  if (json) stdout.write(`${JSON.stringify({ target: id, from: "console", why, ...state })}\n`);
  else
    stdout.write(
      printable(`${id}, by its console (no session: ${why})\n${consoleStateLines(state, text).join("\n")}\n`),
    );
  return EXIT.ok;
}

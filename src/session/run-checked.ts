import { BootlaceError } from "../../stage2/index.ts";
import { quoteArgv } from "./quote.ts";
import type { ExecOptions, Session } from "./session.ts";

/**
 * Runs a command that has no business failing and returns its standard output.
 *
 * @throws {BootlaceError} `E_REMOTE_COMMAND` with the command, its exit code and the end of what it said.
 */
export async function runChecked(session: Session, argv: readonly string[], options?: ExecOptions): Promise<string> {
  const result = await session.exec(argv, options);
  if (result.exit === 0) return result.stdout;
  const said = (result.stderr.trim() || result.stdout.trim() || "it said nothing").slice(-2000);
  const command = quoteArgv(argv);
  const short = command.length > 200 ? `${command.slice(0, 200)}…` : command;
  throw new BootlaceError(
    "E_REMOTE_COMMAND",
    `${session.target}: \`${short}\` ended with exit ${result.exit}: ${said}`,
  );
}

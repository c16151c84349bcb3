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
  throw new BootlaceError(
    "E_REMOTE_COMMAND",
    `${session.target}: ${shown(argv)} ended with exit ${result.exit}: ${said}`,
  );
}

/** A script of our own has a name as its `$0`, which says more than its text. */
function shown(argv: readonly string[]): string {
  const [shell, option, , name] = argv;
  if (shell === "sh" && option === "-c" && name?.startsWith("bootlace-")) return name;
  const command = quoteArgv(argv);
  return `\`${command.length > 200 ? `${command.slice(0, 200)}…` : command}\``;
}

import { resolve } from "node:path";
import { CommanderError } from "commander";
import { BootlaceError, EXIT, type ExitCode } from "../../stage2/index.ts";
import type { CommandContext, CommandSpec } from "./command.ts";
import { asDeskFilesError } from "./desk-files-error.ts";
import { helpHint } from "./help-hint.ts";
import { printError } from "./print-error.ts";
import { type Call, makeProgram } from "./program.ts";
import { COMMANDS } from "./table.ts";
import { VERSION } from "./version.ts";

export interface CliParts {
  readonly cwd: string;
  readonly stdout: CommandContext["stdout"];
  readonly stderr: CommandContext["stderr"];
  readonly signal: AbortSignal;
  readonly commands?: readonly CommandSpec[];
}

/**
 * Runs one command line and answers the exit code. Never throws: failures are printed to stderr, as JSON with `--json`.
 *
 * @param argv The words after `bootlace`.
 */
export async function runCli(argv: readonly string[], parts: CliParts): Promise<ExitCode> {
  let dir = parts.cwd;
  let json = argv.includes("--json");
  try {
    if (argv[0] === "__complete") {
      const { completeWords } = await import("./complete-words.ts");
      parts.stdout.write(await completeWords(argv.slice(1), parts.cwd));
      return EXIT.ok;
    }
    if (argv[0] === "__sandbox") {
      const { runSupervisor } = await import("../machine/sandbox/supervisor-main.ts");
      return await runSupervisor(argv[1] ?? "");
    }
    const call = parse(argv, parts);
    if (call === undefined) return EXIT.ok;
    const { C, json: asJson, yes, ...options } = call.options;
    dir = typeof C === "string" ? resolve(parts.cwd, C) : parts.cwd;
    json = asJson === true;
    const command = await call.spec.load();
    const { stdout, stderr, signal } = parts;
    const words = call.spec.takesCommand ? cutCommand(argv, call.args) : { args: call.args };
    return await command.default({ dir, ...words, options, json, yes: yes === true, stdout, stderr, signal });
  } catch (thrown) {
    if (parts.signal.aborted && isAbort(thrown, parts.signal)) return interruptedBy(parts.signal);
    const error = withHelp(asDeskFilesError(thrown), argv, parts.commands ?? COMMANDS);
    printError(error, { json, stderr: parts.stderr, dir, cwd: parts.cwd });
    return error instanceof BootlaceError ? error.exit : EXIT.internal;
  }
}

/** Takes the words after `--` from the others; the parser has put them together. */
function cutCommand(argv: readonly string[], args: readonly string[]): Pick<CommandContext, "args" | "command"> {
  const at = argv.indexOf("--");
  const count = at < 0 ? 0 : argv.length - at - 1;
  return count === 0 ? { args } : { args: args.slice(0, -count), command: args.slice(-count) };
}

/** The call that was asked for, or undefined when help or the version was and has been printed. */
function parse(argv: readonly string[], { stdout, commands = COMMANDS }: CliParts): Call | undefined {
  let call: Call | undefined;
  const program = makeProgram(commands, VERSION, (found) => {
    call = found;
  });
  const output = {
    writeOut: (text: string) => void stdout.write(text),
    writeErr: () => undefined,
    getOutHelpWidth: () => stdout.columns ?? 100,
    getErrHelpWidth: () => stdout.columns ?? 100,
    getOutHasColors: () => false,
    getErrHasColors: () => false,
  };
  const quiet = (command: typeof program): void => {
    command.configureOutput(output).exitOverride();
    command.commands.forEach(quiet);
  };
  quiet(program);
  if (argv.length === 0) {
    stdout.write(program.helpInformation());
    return undefined;
  }
  try {
    program.parse(argv, { from: "user" });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) return undefined;
    throw usageError(error, argv, commands);
  }
  return call;
}

function usageError(error: CommanderError, argv: readonly string[], commands: readonly CommandSpec[]): BootlaceError {
  if (error.code === "commander.help") {
    return new BootlaceError("E_USAGE", `${argv.join(" ")}: a command is missing`, { hint: helpHint(argv, commands) });
  }
  const [message = "", suggestion] = error.message.replace(/^error: /, "").split("\n");
  const hint = suggestion?.replace(/^\(Did you mean (.*)\?\)$/, 'Did you mean "$1"?');
  const text = message.charAt(0).toUpperCase() + message.slice(1);
  return new BootlaceError("E_USAGE", text, { hint: hint ?? helpHint(argv, commands) });
}

/** A wrong command line without a remedy of its own leads to the help of the very command. */
function withHelp(error: unknown, argv: readonly string[], commands: readonly CommandSpec[]): unknown {
  if (!(error instanceof BootlaceError) || error.code !== "E_USAGE" || error.hint !== undefined) return error;
  const { message, place, faults, cause } = error;
  const hint = helpHint(argv, commands);
  return new BootlaceError("E_USAGE", message, { ...(place ? { place } : {}), hint, faults, cause });
}

/** Node's own functions throw an AbortError; `throwIfAborted()` throws the reason itself. */
const isAbort = (error: unknown, { reason }: AbortSignal): boolean =>
  error === reason || (error instanceof Error && (error.name === "AbortError" || error.cause === reason));

/** `reason` of the signal is the name of the UNIX signal, see `main.ts`. */
const interruptedBy = (signal: AbortSignal): ExitCode =>
  signal.reason === "SIGTERM" ? EXIT.terminated : EXIT.interrupted;

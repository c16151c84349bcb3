import type { ExitCode } from "../../stage2/index.ts";

/** What a word on the command line names: drives help, checking and shell completion. */
export type WordKind = "service" | "machine" | "image" | "target" | "channel" | "phase" | "step" | "directory" | "text";

export interface ArgumentSpec {
  readonly name: string;
  readonly summary: string;
  readonly kind: WordKind;
  readonly optional?: boolean;
  readonly variadic?: boolean;
}

export interface OptionSpec {
  /** In commander's notation: `-s, --service <name...>`, `--jobs <n>`, `--plan`. */
  readonly flags: string;
  readonly summary: string;
  readonly kind?: WordKind;
  readonly choices?: readonly string[];
  readonly parse?: "integer" | "duration";
}

/** A command is data; its code is loaded when it is called. One row of `src/cli/table.ts`. */
export interface CommandSpec {
  /** `check`, `image ls`. */
  readonly name: string;
  readonly group: "project" | "machine" | "image" | "store" | "other";
  readonly summary: string;
  readonly arguments?: readonly ArgumentSpec[];
  readonly options?: readonly OptionSpec[];
  /** Words after `--` are a command for the machine: the context has them apart. */
  readonly takesCommand?: boolean;
  /** At least one; a test runs the parser over each. */
  readonly examples: readonly { readonly command: string; readonly summary: string }[];
  readonly load: () => Promise<{ readonly default: CommandRun }>;
}

/** What every command gets. The everywhere-options (`-C`, `--json`, `--yes`) are fields; the rest is in `options`. */
export interface CommandContext {
  /** Absolute path of the project folder (`-C DIR`, default the working folder). */
  readonly dir: string;
  readonly args: readonly string[];
  /** The words after `--`, for a command that takes them; undefined without any. */
  readonly command?: readonly string[] | undefined;
  /** By commander's camelCase name: `--max-fail <n>` is `maxFail`. */
  readonly options: Readonly<Record<string, unknown>>;
  readonly json: boolean;
  readonly yes: boolean;
  readonly stdout: NodeJS.WritableStream & { readonly isTTY?: boolean; readonly columns?: number };
  readonly stderr: NodeJS.WritableStream & { readonly isTTY?: boolean };
  /** Aborted by SIGINT or SIGTERM. */
  readonly signal: AbortSignal;
}

/** Throws BootlaceError for what can be expected; `main.ts` prints it and chooses the exit code. */
export type CommandRun = (context: CommandContext) => Promise<ExitCode>;

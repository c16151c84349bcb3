import { createInterface } from "node:readline/promises";
import type { Decision, Failure } from "./run-recipe.ts";

export interface AskOptions {
  readonly stdin: NodeJS.ReadStream;
  readonly stdout: NodeJS.WriteStream;
  readonly signal: AbortSignal;
  /** Opens a shell with the environment of the script that failed. */
  readonly shell: (failure: Failure) => Promise<void>;
  /** Takes the live view off the screen. */
  readonly quiet: () => void;
}

const MENU = "[r]etry from there, [s]hell with that script's environment, [k]eep the machine, [c]lean up? ";

/** Asks the person at the terminal what to do after a failure; an empty answer or Ctrl-D cleans up. */
export async function askDecision(failure: Failure, options: AskOptions): Promise<Decision> {
  const { stdin, stdout, signal, shell, quiet } = options;
  quiet();
  const message = failure.error instanceof Error ? failure.error.message : String(failure.error);
  stdout.write(`\n${failure.step} failed: ${message}\n`);
  for (;;) {
    const lines = createInterface({ input: stdin, output: stdout });
    const answer = (await lines.question(MENU, { signal }).catch(() => "c")).trim().toLowerCase();
    lines.close();
    if (answer === "r" || answer === "retry") return "retry";
    if (answer === "k" || answer === "keep") return "keep";
    if (answer === "" || answer === "c" || answer === "clean") return "clean";
    if (answer === "s" || answer === "shell") await shell(failure);
  }
}

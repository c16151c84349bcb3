import { spawn } from "node:child_process";
import { BootlaceError, type ErrorCode } from "../../../stage2/index.ts";
import { abortError, throwIfAborted } from "../../session/abort.ts";
import { toolEnvironment } from "../run-local.ts";

export interface ToolOptions {
  readonly cwd?: string;
  readonly code: ErrorCode;
  readonly hint?: string;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Runs a program of the desk that takes a while. An abort ends it with all that it started.
 *
 * @returns what it printed.
 * @throws {BootlaceError} with the code given, and the end of what it said.
 */
export async function runTool(argv: readonly string[], options: ToolOptions): Promise<string> {
  const { cwd, code, hint, signal } = options;
  throwIfAborted(signal);
  const [file = "", ...args] = argv;
  // A group of its own, so that an abort reaches what it started.
  const child = spawn(file, args, {
    detached: true,
    stdio: ["ignore", "pipe", "pipe"],
    env: toolEnvironment(),
    ...(cwd && { cwd }),
  });
  let out = "";
  let err = "";
  child.stdout.on("data", (chunk: Buffer) => {
    out += chunk.toString();
  });
  child.stderr.on("data", (chunk: Buffer) => {
    err = (err + chunk.toString()).slice(-4000);
  });
  const stop = () => {
    try {
      if (child.pid !== undefined) process.kill(-child.pid, "SIGTERM");
    } catch {
      // It has ended already.
    }
  };
  signal?.addEventListener("abort", stop, { once: true });
  try {
    const failure = await new Promise<string | undefined>((resolve) => {
      child.once("error", (error) => resolve(error.message));
      child.once("close", (exit, killed) => resolve(exit === 0 ? undefined : `exit ${exit ?? killed}: ${err.trim()}`));
    });
    if (signal?.aborted) throw abortError(signal);
    if (failure === undefined) return out;
    throw new BootlaceError(code, `${argv.join(" ").slice(0, 200)}: ${failure.slice(-1500)}`, hint ? { hint } : {});
  } finally {
    signal?.removeEventListener("abort", stop);
  }
}

import { spawn } from "node:child_process";
import { delimiter } from "node:path";
import { BootlaceError, type ErrorCode } from "../../stage2/index.ts";

export interface LocalResult {
  readonly exit: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** The desk's environment with the folders that only root's PATH has: mkfs, debugfs and flock lie there on Debian. */
export function toolEnvironment(): NodeJS.ProcessEnv {
  return { ...process.env, PATH: [process.env.PATH, "/usr/sbin", "/sbin"].filter(Boolean).join(delimiter) };
}

/** Runs a program of the desk. Its failing is a result; its absence is exit 127, as a shell would say. */
export function runLocal(
  argv: readonly string[],
  options: {
    readonly cwd?: string;
    readonly stdin?: string;
    readonly encoding?: "utf8" | "latin1";
    readonly signal?: AbortSignal | undefined;
  } = {},
): Promise<LocalResult> {
  const [file = "", ...args] = argv;
  return new Promise((resolve) => {
    const child = spawn(file, args, {
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
      env: toolEnvironment(),
      ...(options.signal && { signal: options.signal }),
      stdio: ["pipe", "pipe", "pipe"],
    });
    const out: Buffer[] = [];
    const err: Buffer[] = [];
    child.stdout.on("data", (chunk) => out.push(chunk));
    child.stderr.on("data", (chunk) => err.push(chunk));
    child.stdin.on("error", () => {});
    child.stdin.end(options.stdin ?? "");
    child.once("error", (error) => resolve({ exit: 127, stdout: "", stderr: error.message }));
    child.once("close", (code) =>
      resolve({
        exit: code ?? 128,
        stdout: Buffer.concat(out).toString(options.encoding),
        stderr: Buffer.concat(err).toString(),
      }),
    );
  });
}

/** Runs a program of the desk that has no business failing. @throws {BootlaceError} with the given code and what it said. */
export async function runLocalChecked(argv: readonly string[], code: ErrorCode, cwd?: string): Promise<string> {
  const result = await runLocal(argv, cwd === undefined ? {} : { cwd });
  if (result.exit === 0) return result.stdout;
  throw new BootlaceError(
    code,
    `${argv.join(" ").slice(0, 300)}: exit ${result.exit}: ${result.stderr.trim().slice(-1000)}`,
  );
}

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

interface RunOptions {
  readonly cwd?: string;
  readonly stdin?: string;
  readonly signal?: AbortSignal | undefined;
}

export interface BoundedResult {
  /** 127 where the program is not there. */
  readonly exit: number;
  readonly stdout: Buffer;
  readonly stderr: string;
  /** It had more to say: `stdout` is the beginning, and the program was ended. */
  readonly cut: boolean;
}

/** What is kept of the errors of a program whose output is bounded, from the end; bytes. */
const ERRORS_KEPT = 4000;

/**
 * Runs a program whose output somebody else decides on: after `most` bytes it is ended.
 *
 * @param options.most bytes; unbounded where it is not given.
 */
export function runBounded(
  argv: readonly string[],
  { cwd, stdin = "", signal, most = Number.POSITIVE_INFINITY }: RunOptions & { readonly most?: number },
): Promise<BoundedResult> {
  const [file = "", ...args] = argv;
  return new Promise((resolve) => {
    const child = spawn(file, args, {
      ...(cwd === undefined ? {} : { cwd }),
      env: toolEnvironment(),
      ...(signal && { signal }),
      stdio: ["pipe", "pipe", "pipe"],
    });
    const out: Buffer[] = [];
    let err = Buffer.alloc(0);
    let length = 0;
    const result = (exit: number, stderr: string): BoundedResult => ({
      exit,
      stdout: Buffer.concat(out).subarray(0, most),
      stderr,
      cut: length > most,
    });
    child.stdout.on("data", (chunk: Buffer) => {
      if (length > most) return;
      out.push(chunk);
      length += chunk.length;
      if (length > most) child.kill("SIGKILL");
    });
    child.stderr.on("data", (chunk: Buffer) => {
      err = Buffer.concat([err, chunk]);
      if (most !== Number.POSITIVE_INFINITY) err = err.subarray(-ERRORS_KEPT);
    });
    child.stdin.on("error", () => {});
    child.stdin.end(stdin);
    child.once("error", (error) => resolve(result(127, error.message)));
    child.once("close", (code) => resolve(result(code ?? 128, err.toString())));
  });
}

/** Runs a program of the desk. Its failing is a result; its absence is exit 127, as a shell would say. */
export async function runLocal(argv: readonly string[], options: RunOptions = {}): Promise<LocalResult> {
  const { exit, stdout, stderr } = await runBounded(argv, options);
  return { exit, stdout: stdout.toString(), stderr };
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

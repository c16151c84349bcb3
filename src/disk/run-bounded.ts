import { spawn } from "node:child_process";
import { toolEnvironment } from "../machine/run-local.ts";

export interface BoundedResult {
  /** 127 where the program is not there. */
  readonly exit: number;
  readonly stdout: Buffer;
  readonly stderr: string;
  /** It had more to say: `stdout` is the beginning, and the program was ended. */
  readonly cut: boolean;
}

/**
 * Runs a program whose output somebody else's disk decides on: after `most` bytes it is ended.
 *
 * @param options.most bytes.
 */
export function runBounded(
  argv: readonly string[],
  options: { readonly cwd: string; readonly most: number; readonly stdin?: string },
): Promise<BoundedResult> {
  const { cwd, most, stdin = "" } = options;
  const [file = "", ...args] = argv;
  return new Promise((resolve) => {
    const child = spawn(file, args, { cwd, env: toolEnvironment(), stdio: ["pipe", "pipe", "pipe"] });
    const out: Buffer[] = [];
    let length = 0;
    let err = "";
    const result = (exit: number, said: string): BoundedResult => ({
      exit,
      stdout: Buffer.concat(out).subarray(0, most),
      stderr: said,
      cut: length > most,
    });
    child.stdout.on("data", (chunk: Buffer) => {
      if (length > most) return;
      out.push(chunk);
      length += chunk.length;
      if (length > most) child.kill("SIGKILL");
    });
    child.stderr.on("data", (chunk: Buffer) => {
      err = (err + chunk.toString()).slice(-4000);
    });
    child.stdin.on("error", () => {});
    child.stdin.end(stdin);
    child.once("error", (error) => resolve(result(127, error.message)));
    child.once("close", (code) => resolve(result(code ?? 128, err)));
  });
}

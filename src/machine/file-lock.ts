import { spawn } from "node:child_process";
import { mkdir, open } from "node:fs/promises";
import { dirname } from "node:path";
import { BootlaceError } from "../../stage2/index.ts";
import { abortError, throwIfAborted } from "../session/abort.ts";

/** Held until it is released or this process ends, however it ends. */
export interface FileLock {
  release(): void;
}

/** What the lock's program is told to answer when somebody else holds the lock (EX_TEMPFAIL, sysexits.h). */
const TAKEN = 75;

/**
 * Takes a kernel lock on a file, which is made where it is not there. Node has no lock of its own: a child holds it by
 * flock(1), on macOS by lockf(1), and ends when its stdin closes, that is, when this process ends.
 *
 * @param wait false: undefined at once when somebody else has it.
 * @throws {BootlaceError} `E_DESK_LOCK`; an AbortError when it was interrupted.
 */
export async function takeFileLock(
  file: string,
  { wait, signal }: { readonly wait: boolean; readonly signal?: AbortSignal | undefined },
): Promise<FileLock | undefined> {
  throwIfAborted(signal);
  await mkdir(dirname(file), { recursive: true });
  await (await open(file, "a", 0o600)).close();
  const [program = "", ...args] = lockCommand(file, wait);
  // Of its own group: a Ctrl-C at the terminal is not meant for it.
  const child = spawn(program, args, { stdio: ["pipe", "pipe", "ignore"], detached: true });
  return new Promise((resolve, reject) => {
    const give = (): void => {
      child.kill();
      if (signal) reject(abortError(signal));
    };
    const refuse = (why: string, cause?: Error) =>
      reject(
        new BootlaceError("E_DESK_LOCK", `${file} cannot be locked: ${why}`, {
          hint:
            process.platform === "darwin" ? "lockf(1) comes with macOS 13." : "Install util-linux: it has flock(1).",
          ...(cause && { cause }),
        }),
      );
    signal?.addEventListener("abort", give, { once: true });
    child.stdin.on("error", () => {});
    child.once("error", (error) => refuse(error.message, error));
    child.once("exit", (code) => {
      signal?.removeEventListener("abort", give);
      if (code === TAKEN) resolve(undefined);
      else refuse(`${program} ended with ${code ?? "a signal"}`);
    });
    child.stdout.once("data", () => {
      signal?.removeEventListener("abort", give);
      child.removeAllListeners("exit");
      child.stdout.destroy();
      child.unref();
      resolve({ release: () => void child.stdin.end() });
    });
  });
}

/** Does something while no other process of this computer does it. @throws {BootlaceError} `E_DESK_LOCK`; what `act` throws. */
export async function withFileLock<T>(
  file: string,
  act: () => Promise<T>,
  signal?: AbortSignal | undefined,
): Promise<T> {
  const lock = await takeFileLock(file, { wait: true, signal });
  try {
    return await act();
  } finally {
    lock?.release();
  }
}

function lockCommand(file: string, wait: boolean): readonly string[] {
  const hold = ["sh", "-c", "echo; exec cat >/dev/null"];
  if (process.platform === "darwin") return ["lockf", "-k", "-s", ...(wait ? [] : ["-t", "0"]), file, ...hold];
  return ["flock", "-E", String(TAKEN), ...(wait ? [] : ["-n"]), file, ...hold];
}

import { spawn } from "node:child_process";
import { mkdir } from "node:fs/promises";
import { dirname } from "node:path";
import { BootlaceError } from "../../../stage2/index.ts";
import { abortError, throwIfAborted } from "../../session/abort.ts";

/**
 * Does something while no other process of this computer does it, by flock(1) on a file: a desk that died keeps no lock.
 *
 * @throws {BootlaceError} `E_QEMU_UNAVAILABLE` where there is no flock(1); an AbortError; what `act` throws.
 */
export async function withFileLock<T>(
  file: string,
  act: () => Promise<T>,
  signal: AbortSignal | undefined,
): Promise<T> {
  throwIfAborted(signal);
  await mkdir(dirname(file), { recursive: true });
  const release = await lock(file, signal);
  try {
    return await act();
  } finally {
    release();
  }
}

/** Node has no flock: a child holds it, and ends when its stdin closes, that is, when this process ends. */
function lock(file: string, signal: AbortSignal | undefined): Promise<() => void> {
  const child = spawn("flock", [file, "sh", "-c", "echo; exec cat >/dev/null"], {
    stdio: ["pipe", "pipe", "ignore"],
    // Of its own group: a Ctrl-C at the terminal is not meant for it.
    detached: true,
  });
  return new Promise((resolve, reject) => {
    const give = () => {
      child.kill();
      if (signal) reject(abortError(signal));
    };
    const refuse = (why: string) =>
      reject(
        new BootlaceError("E_QEMU_UNAVAILABLE", `${file} could not be locked: ${why}`, { hint: "Install util-linux." }),
      );
    signal?.addEventListener("abort", give, { once: true });
    child.stdin.on("error", () => {});
    child.once("error", (error) => refuse(error.message));
    child.once("exit", (code) => refuse(`flock ended with exit ${code}`));
    child.stdout.once("data", () => {
      signal?.removeEventListener("abort", give);
      child.removeAllListeners("exit");
      child.stdout.destroy();
      child.unref();
      resolve(() => void child.stdin.end());
    });
  });
}

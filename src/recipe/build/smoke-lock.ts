import { spawn } from "node:child_process";
import { mkdir, open, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { BootlaceError } from "../../../stage2/index.ts";
import { abortError, throwIfAborted } from "../../session/abort.ts";
import type { StepTools } from "../recipe.ts";

export interface SmokeLock {
  release(): void;
}

/** What flock(1) is told to answer when somebody else holds the lock. */
const TAKEN = 75;

/**
 * Waits until no other smoke test of the project runs on this computer: its machines share the computer's ports. A
 * kernel lock by flock(1), so a desk that died does not keep it. Waiting is told as a step of its own.
 *
 * @param of for the events: `image web`.
 * @throws {BootlaceError} `E_SANDBOX_UNAVAILABLE` when there is no flock(1); an AbortError when it was interrupted.
 */
export async function lockSmoke(dir: string, of: string, { signal, report }: StepTools): Promise<SmokeLock> {
  const file = join(dir, ".bootlace", "smoke.lock");
  await mkdir(join(file, ".."), { recursive: true });
  await (await open(file, "a", 0o600)).close();
  const lock = (await flock(["-n"], file, signal)) ?? (await wait());
  await writeFile(file, `${of}, process ${process.pid}\n`);
  return lock;

  async function wait(): Promise<SmokeLock> {
    const step = "wait for another smoke test";
    const began = performance.now();
    report({ t: Date.now(), k: "desk-start", step, of, detail: (await readFile(file, "utf8")).trim() });
    const lock = await flock([], file, signal);
    if (!lock) throw new Error(`flock(1) neither took ${file} nor waited for it`);
    report({ t: Date.now(), k: "desk-done", step, of, ms: Math.round(performance.now() - began) });
    return lock;
  }
}

/** Node has no flock: a child holds it, and ends when its stdin closes, that is, when this process ends. */
function flock(options: readonly string[], file: string, signal: AbortSignal): Promise<SmokeLock | undefined> {
  throwIfAborted(signal);
  const child = spawn("flock", [...options, "-E", String(TAKEN), file, "sh", "-c", "echo; exec cat >/dev/null"], {
    stdio: ["pipe", "pipe", "ignore"],
    // Of its own group: a Ctrl-C at the terminal is not meant for it.
    detached: true,
  });
  const release = (): void => void child.stdin.end();
  return new Promise((resolve, reject) => {
    const give = (): void => {
      child.kill();
      reject(abortError(signal));
    };
    signal.addEventListener("abort", give, { once: true });
    child.stdin.on("error", () => {});
    child.once("error", (cause) =>
      reject(
        new BootlaceError("E_SANDBOX_UNAVAILABLE", "flock(1) is not on the PATH", {
          hint: "Install util-linux.",
          cause,
        }),
      ),
    );
    child.once("exit", (code) => {
      signal.removeEventListener("abort", give);
      if (code === TAKEN) resolve(undefined);
      else reject(new Error(`flock(1) ended with ${code ?? "a signal"} on ${file}`));
    });
    child.stdout.once("data", () => {
      signal.removeEventListener("abort", give);
      child.removeAllListeners("exit");
      child.stdout.destroy();
      child.unref();
      resolve({ release });
    });
  });
}

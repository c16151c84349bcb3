import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, fstatSync, openSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { BootlaceError } from "../errors/bootlace-error.ts";

/** What the lock file says of who holds it. */
export interface Holder {
  readonly pid: number;
  readonly started: number;
  readonly boot: string;
  readonly run: string;
}

export interface Lock {
  release(): void;
}

/** The descriptor on which stage1 hands its lock on. */
const HANDED_ON = 9;

/**
 * Takes the machine's lock, a kernel lock by flock(1) that goes with the process however it ends. Where stage1 has
 * handed it on, it is used as it is.
 *
 * @param wait true: waits for the holder to end.
 * @throws {BootlaceError} `E_LOCKED`, naming the holder.
 */
export async function takeLock(path: string, holder: Holder, wait: boolean): Promise<Lock> {
  closeSync(openSync(path, "a", 0o600));
  const lock = isHandedOn(path) ? { release: () => closeSync(HANDED_ON) } : await flock(path, wait);
  writeFileSync(path, `${holder.pid} ${holder.started} ${holder.boot} ${holder.run}\n`);
  return lock;
}

function isHandedOn(path: string): boolean {
  try {
    const [handed, wanted] = [fstatSync(HANDED_ON), statSync(path)];
    return process.env.BOOTLACE_STAGE1 !== undefined && handed.ino === wanted.ino && handed.dev === wanted.dev;
  } catch {
    return false;
  }
}

/** Node has no flock: a child holds it for us, and ends when its stdin closes, that is, when we end. */
function flock(path: string, wait: boolean): Promise<Lock> {
  const argv = [...(wait ? [] : ["-n"]), "-E", "75", path, "sh", "-c", "echo; exec cat >/dev/null"];
  const child: ChildProcess = spawn("flock", argv, {
    stdio: ["pipe", "pipe", "ignore"],
    detached: true,
    env: { PATH: "/usr/sbin:/usr/bin:/sbin:/bin" },
  });
  return new Promise((resolve, reject) => {
    child.stdin?.on("error", () => {});
    child.on("error", (cause) =>
      reject(new BootlaceError("E_STATE", "flock(1) of util-linux is not on this machine", { cause })),
    );
    child.on("exit", (code) =>
      reject(code === 75 ? lockedBy(path) : new BootlaceError("E_STATE", `flock ${path} ended with ${code}`)),
    );
    child.stdout?.once("data", () => {
      child.removeAllListeners("exit");
      child.stdout?.destroy();
      child.unref();
      resolve({ release: () => child.stdin?.end() });
    });
  });
}

function lockedBy(path: string): BootlaceError {
  const [pid = "?", , , run = "?"] = readFileSync(path, "utf8").trim().split(" ");
  return new BootlaceError("E_LOCKED", `Run ${run} (process ${pid}) holds the lock ${path}`, {
    hint: "Wait for it with --wait, or end that process.",
  });
}

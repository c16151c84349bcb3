import { spawn } from "node:child_process";
import { open, readdir, readFile, rm, stat } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { BootlaceError } from "../../../stage2/index.ts";
import type { Stopped } from "../machine.ts";
import { identifyProcess, isAlive, type ProcessIdentity } from "../process-identity.ts";
import type { QemuFiles } from "./qemu-spec.ts";
import { QMP_SOCKET, qmp } from "./qmp.ts";

/** A guest gets so long to end in order, longer than its systemd waits for a unit; then QEMU itself; milliseconds. */
const GRACE = { guest: 150_000, qemu: 5_000 };
/** A power button that is pressed while nobody listens yet, early in a boot, is pressed again; milliseconds. */
const PRESS_EVERY = 15_000;

/** Starts QEMU detached: it outlives the command that started it, and a Ctrl-C meant for that command. */
export async function startQemu(argv: readonly string[], files: QemuFiles): Promise<ProcessIdentity> {
  await rm(files.log, { force: true });
  await rm(`${files.folder}/${QMP_SOCKET}`, { force: true });
  const log = await open(files.log, "a", 0o600);
  try {
    const [file = "", ...args] = argv;
    const child = spawn(file, args, { cwd: files.folder, detached: true, stdio: ["ignore", log.fd, log.fd] });
    await new Promise<void>((resolve, reject) => {
      child.once("spawn", resolve);
      child.once("error", (error) => reject(unavailable(file, error)));
    });
    child.unref();
    const identity = child.pid === undefined ? undefined : identifyProcess(child.pid);
    if (identity) return identity;
    throw await endedAtOnce(files);
  } finally {
    await log.close();
  }
}

function unavailable(file: string, cause: Error): BootlaceError {
  return new BootlaceError("E_QEMU_UNAVAILABLE", `${file} cannot be started: ${cause.message}`, {
    hint: "Install qemu-system-x86 (or qemu-system-arm) and qemu-utils.",
    cause,
  });
}

/** The error for a QEMU that is gone before its guest was there. */
export async function endedAtOnce(files: QemuFiles, more = ""): Promise<BootlaceError> {
  const said = (await readFile(files.log, "utf8").catch(() => "")).trim().slice(-1500);
  return new BootlaceError("E_QEMU_BOOT", `QEMU ended: ${said || "it said nothing"}${more}`);
}

/** Ends a machine: its power button, then QEMU's `quit`, then SIGKILL. Returns when the process is gone. */
export async function stopQemu(identity: ProcessIdentity, files: QemuFiles, grace = GRACE.guest): Promise<Stopped> {
  for (const end = performance.now() + grace; performance.now() < end && (await told(files, "system_powerdown")); )
    if (await gone(identity, Math.min(PRESS_EVERY, end - performance.now()))) return "in order";
  if ((await told(files, "quit")) && (await gone(identity, GRACE.qemu))) return "cut off";
  while (isAlive(identity)) {
    try {
      process.kill(identity.pid, "SIGKILL");
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "EPERM") throw notOurs(identity.pid, error);
      // It has ended between the two.
    }
    await gone(identity, 1_000);
  }
  return "cut off";
}

const notOurs = (pid: number, cause: unknown): BootlaceError =>
  new BootlaceError("E_MACHINE_STATE", `QEMU (process ${pid}) belongs to another user and cannot be ended`, {
    hint: `Was it started with sudo? End it as that user: sudo kill ${pid}`,
    cause,
  });

const told = (files: QemuFiles, command: string): Promise<boolean> =>
  qmp(files.folder, command).then(
    () => true,
    () => false,
  );

async function gone(identity: ProcessIdentity, within: number): Promise<boolean> {
  const end = performance.now() + within;
  while (isAlive(identity)) {
    if (performance.now() > end) return false;
    await sleep(20);
  }
  return true;
}

/**
 * A QEMU that carries a machine's name and stands in no record: the desk died between starting it and writing that
 * down. Linux only, by /proc. Of this user alone: anybody may start a process that is called so.
 */
export async function findStray(id: string): Promise<ProcessIdentity | undefined> {
  for (const pid of (await readdir("/proc").catch(() => [])).filter((name) => /^\d+$/.test(name))) {
    const words = (await readFile(`/proc/${pid}/cmdline`, "latin1").catch(() => "")).split("\0");
    if (!words.includes(`bootlace-${id}`) || !words[0]?.includes("qemu-system")) continue;
    if ((await stat(`/proc/${pid}`).catch(() => undefined))?.uid === process.geteuid?.())
      return identifyProcess(Number(pid));
  }
  return undefined;
}

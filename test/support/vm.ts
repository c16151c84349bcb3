import { mkdtempSync, rmSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import type { Machine } from "../../src/machine/machine.ts";
import { readJson } from "../../src/machine/machine-folder.ts";
import { qemuProvider } from "../../src/machine/qemu/qemu-provider.ts";
import { filesOf, type QemuPace, type QemuState } from "../../src/machine/qemu/qemu-spec.ts";
import { ensureDebianPackages } from "./debian.ts";

/** What VMs of the tests start from: one base for all suites, made once in the cache of whoever runs them. */
export const VM_BASE = { kind: "debian", suite: "bookworm" } as const;

/** Milliseconds that two boots may take where the processor is emulated and others work beside. */
export const TWO_BOOTS = 300_000;

/** The provider with what it needs on this computer. */
export function vmProvider(pace: QemuPace = {}) {
  ensureDebianPackages(["qemu-system-x86", "qemu-utils", "mmdebstrap", "e2fsprogs"]);
  return qemuProvider(pace);
}

/** Makes the base where it is not there yet, so that no test's own time goes into it. */
export async function makeVmBase(): Promise<void> {
  await vmProvider().baseState(VM_BASE);
}

/** A folder for a project that outlives one test; remove it with what is answered. */
export function vmFolder(): { readonly dir: string; remove(): void } {
  const dir = mkdtempSync(join(tmpdir(), "bootlace-vm-"));
  return { dir, remove: () => rmSync(dir, { recursive: true, force: true }) };
}

/** Runs a line as root and answers what it printed, errors too. */
export async function runOn(machine: Machine, line: string): Promise<string> {
  const session = await machine.session();
  try {
    const { stdout, stderr } = await session.exec(["sh", "-c", line]);
    return `${stdout}${stderr}`.trim();
  } finally {
    await session.close();
  }
}

/** The record of a running VM. */
export async function vmState(dir: string, name: string): Promise<QemuState> {
  const state = await readJson<QemuState>(filesOf(dir, name).state);
  if (!state) throw new Error(`${name} has no state.json`);
  return state;
}

/** A power cut: QEMU is killed, and is gone when this returns. */
export async function cutPower(dir: string, name: string): Promise<void> {
  const { process: qemu } = await vmState(dir, name);
  process.kill(qemu.pid, "SIGKILL");
  for (;;) {
    try {
      process.kill(qemu.pid, 0);
    } catch {
      return;
    }
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** Where tests keep what takes long to make. */
export const testCache = (): string => join(process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache"), "bootlace-tests");

import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { identifyProcess } from "../../../../src/machine/process-identity.ts";
import { findStray, stopQemu } from "../../../../src/machine/qemu/qemu-process.ts";
import { qemuFiles } from "../../../../src/machine/qemu/qemu-spec.ts";
import { until } from "../../../support/until.ts";

const isRoot = process.geteuid?.() === 0;

/** A process that is called as a machine's QEMU, of a user. */
async function looksLike(id: string, uid: number): Promise<number> {
  const args = ["-e", "sleep 1000", `bootlace-${id}`];
  const child = spawn("perl", args, { argv0: "qemu-system-x86_64", uid, stdio: "ignore" });
  onTestFinished(() => void child.kill("SIGKILL"));
  const pid = child.pid ?? 0;
  await until(() => identifyProcess(pid) !== undefined);
  return pid;
}

test.runIf(isRoot)("findStray() takes the QEMU of its own user and nobody else's that is called so", async () => {
  await looksLike("vm-other", 65534);
  const own = await looksLike("vm-own", 0);
  await expect.poll(async () => (await findStray("vm-own"))?.pid).toBe(own);
  expect(await findStray("vm-other")).toBeUndefined();
});

test.runIf(isRoot)("stopQemu() says whose a process is that it may not end", async () => {
  const dir = mkdtempSync(join(tmpdir(), "bootlace-stop-"));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  const foreign = identifyProcess(await looksLike("vm-foreign", 65533));
  if (!foreign) throw new Error("it was just started");
  process.seteuid?.(65534);
  onTestFinished(() => process.seteuid?.(0));
  await expect(stopQemu(foreign, qemuFiles(dir), 0)).rejects.toMatchObject({
    code: "E_MACHINE_STATE",
    message: expect.stringContaining("belongs to another user"),
  });
});

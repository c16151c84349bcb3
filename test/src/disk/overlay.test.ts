import { execFileSync } from "node:child_process";
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, expect, onTestFinished, test } from "vitest";
import { ExtVolume } from "../../../src/disk/ext-volume.ts";
import { intersection, writeRawView, writtenRanges, zeroFreeSpace } from "../../../src/disk/overlay.ts";
import { ensureDebianPackages } from "../../support/debian.ts";
import { makeProject } from "../../support/small-project.ts";

beforeAll(() => ensureDebianPackages(["e2fsprogs", "qemu-utils"]));
const sh = (script: string, ...args: string[]) =>
  execFileSync("sh", ["-euc", script, "sh", ...args], { stdio: ["ignore", "pipe", "pipe"] }).toString();

/** An ext4 disk, and an overlay on it in which one file was written and another one written and removed again. */
async function deletedOn(): Promise<{ readonly overlay: string; readonly view: string }> {
  const dir = await makeProject({ "root/base": "base\n", kept: "KEPT".repeat(50_000), gone: "GONE".repeat(50_000) });
  // debugfs writes raw files only: the overlay is what differs from the base.
  sh(
    `cd "$1"; truncate -s 64M base.raw; mkfs.ext4 -q -d root base.raw; cp --sparse=always base.raw new.raw
printf 'write gone gone\\nwrite kept kept\\nrm gone\\n' | debugfs -w -f - new.raw >/dev/null 2>&1
qemu-img convert -O qcow2 new.raw overlay.qcow2; qemu-img rebase -b base.raw -F raw -u overlay.qcow2; qemu-img rebase -b base.raw -F raw overlay.qcow2`,
    dir,
  );
  return { overlay: join(dir, "overlay.qcow2"), view: join(dir, "view.raw") };
}

test("zeroFreeSpace() takes what was deleted out of an overlay and leaves every file as it is", async () => {
  const { overlay, view } = await deletedOn();
  await writeRawView(overlay, view);
  expect(readFileSync(view).includes("GONEGONE")).toBe(true);
  const left = await zeroFreeSpace(overlay, view);
  await writeRawView(overlay, view);
  const after = readFileSync(view);
  expect(after.includes("GONEGONE")).toBe(false);
  expect(sh('debugfs -R "cat /kept" "$1" 2>/dev/null', view)).toBe("KEPT".repeat(50_000));
  expect(sh('e2fsck -fn "$1" 2>/dev/null | tail -1', view)).toMatch(/^\S+: \d+\/\d+ files/);
  expect(left.some(({ start, length }) => after.subarray(start, start + length).includes("KEPTKEPT"))).toBe(true);
  expect((await writtenRanges(overlay)).length).toBeGreaterThan(0);
});

test("zeroFreeSpace() empties the spent journal of a file system and leaves it usable", async () => {
  const { overlay, view } = await deletedOn();
  await writeRawView(overlay, view);
  const journal = await new ExtVolume(view, 0).spentJournal();
  const first = journal[0];
  if (!first) throw new Error("a file system of 64 MiB has a journal");
  sh('qemu-io -c "write -P 74 $2 4096" "$1" >/dev/null', overlay, String(first.start + 8192));
  await writeRawView(overlay, view);
  const left = await zeroFreeSpace(overlay, view);
  await writeRawView(overlay, view);
  expect(readFileSync(view).includes("J".repeat(4096))).toBe(false);
  expect(intersection(left, journal)).toEqual([]);
  expect(sh('e2fsck -fn "$1" 2>/dev/null | tail -1', view)).toMatch(/^\S+: \d+\/\d+ files/);
  expect(sh('debugfs -R "logdump" "$1" 2>&1', view)).toContain("Journal starts at block 0");
});

test("zeroFreeSpace() refuses a file system that was not unmounted", async () => {
  const { overlay, view } = await deletedOn();
  await writeRawView(overlay, view);
  sh('debugfs -w -R "feature needs_recovery" "$1" >/dev/null 2>&1', view);
  await expect(zeroFreeSpace(overlay, view)).rejects.toMatchObject({ code: "E_DISK_UNREADABLE" });
});

test("writeRawView() of what is no disk tells what qemu-img said", async () => {
  const dir = await makeProject({});
  await expect(writeRawView(join(dir, "none"), join(dir, "view"))).rejects.toMatchObject({
    code: "E_DISK_UNREADABLE",
    message: expect.stringContaining("No such file"),
  });
});

test("writeRawView() makes a file that only its owner can read, whatever the umask", async () => {
  const { overlay, view } = await deletedOn();
  const umask = process.umask(0);
  onTestFinished(() => void process.umask(umask));
  await writeRawView(overlay, view);
  expect(statSync(view).mode & 0o777).toBe(0o600);
});

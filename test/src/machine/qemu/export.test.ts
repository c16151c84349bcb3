import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeEach, expect, onTestFinished, test } from "vitest";
import type { Layer } from "../../../../src/machine/machine.ts";
import { cachedDisk } from "../../../../src/machine/qemu/cache.ts";
import { exportDisk } from "../../../../src/machine/qemu/export.ts";
import { fileBase } from "../../../../src/machine/qemu/file-base.ts";
import type { BaseDisk } from "../../../../src/machine/qemu/qemu-spec.ts";
import { ownCache } from "../../../support/cache-folder.ts";
import { ensureDebianPackages } from "../../../support/debian.ts";

const BYTES = 1024 * 1024;
let dir: string;
let base: BaseDisk;
let layer: Layer;
let image: Parameters<typeof exportDisk>[0];

/** A disk of ones, and an image on it that wrote twos to its second half. */
beforeEach(async () => {
  ensureDebianPackages(["qemu-utils"]);
  ownCache();
  dir = mkdtempSync(join(tmpdir(), "bootlace-export-"));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  const run = (...argv: readonly [string, ...string[]]) => execFileSync(argv[0], argv.slice(1), { cwd: dir });
  writeFileSync(join(dir, "base.raw"), WHOLE.subarray(0, BYTES / 2));
  truncateSync(join(dir, "base.raw"), BYTES);
  base = await fileBase(join(dir, "base.raw"));
  const below = `${base.digest}.raw`;
  symlinkSync(cachedDisk(base), join(dir, below));
  run("qemu-img", "create", "-q", "-f", "qcow2", "-F", "raw", "-b", below, "layer.qcow2");
  run("qemu-io", "-c", `write -q -P 2 ${BYTES / 2} ${BYTES / 2}`, "layer.qcow2");
  rmSync(join(dir, below));
  const bytes = readFileSync(join(dir, "layer.qcow2"));
  const digest = createHash("sha256").update(bytes).digest("hex");
  layer = { digest, bytes: bytes.length, file: join(dir, "layer.qcow2") };
  image = { origin: { base: base.digest, format: "raw", boot: "disk" }, layers: [layer] };
});

const WHOLE = Buffer.concat([Buffer.alloc(BYTES / 2, 1), Buffer.alloc(BYTES / 2, 2)]);
// A boot sector's mark: what has none is no disk.
WHOLE.writeUInt16LE(0xaa55, 510);
const asRaw = (file: string): Buffer => {
  execFileSync("qemu-img", ["convert", "-O", "raw", file, `${file}.whole`]);
  return readFileSync(`${file}.whole`);
};

test("exportDisk() writes one raw file with all that an image stands on", async () => {
  const file = join(dir, "out.raw");
  expect(await exportDisk(image, file, { format: "raw", standalone: true })).toEqual([file]);
  expect(readFileSync(file)).toEqual(WHOLE);
});

test("exportDisk() compresses a qcow2, and leaves nothing of its work", async () => {
  const file = join(dir, "out.qcow2");
  await exportDisk(image, file, { format: "qcow2", standalone: true, compressed: true });
  expect(asRaw(file)).toEqual(WHOLE);
  expect(readdirSync(dir).filter((name) => name.startsWith(".bootlace"))).toEqual([]);
});

test("exportDisk() writes a chain that can be carried to another folder", async () => {
  const to = join(dir, "to");
  execFileSync("mkdir", [to]);
  const written = await exportDisk(image, join(to, "out.qcow2"), { format: "qcow2", standalone: false });
  expect(written).toEqual([join(to, "out.qcow2"), join(to, `${base.digest}.raw`)]);
  renameSync(to, join(dir, "moved"));
  rmSync(cachedDisk(base));
  expect(asRaw(join(dir, "moved", "out.qcow2"))).toEqual(WHOLE);
});

test("exportDisk() overwrites no file, and refuses a damaged image and one whose base is gone", async () => {
  const file = join(dir, "out.raw");
  const wanted = { format: "raw", standalone: true } as const;
  writeFileSync(file, "mine");
  await expect(exportDisk(image, file, wanted)).rejects.toMatchObject({ code: "E_DESK_FILES" });
  expect(readFileSync(file, "utf8")).toBe("mine");
  const other = join(dir, "other.raw");
  const damaged = { ...image, layers: [{ ...layer, digest: "0".repeat(64) }] };
  await expect(exportDisk(damaged, other, wanted)).rejects.toMatchObject({ code: "E_IMAGE_DAMAGED" });
  rmSync(cachedDisk(base));
  await expect(exportDisk(image, other, wanted)).rejects.toMatchObject({ code: "E_QEMU_BASE" });
  expect(existsSync(other)).toBe(false);
});

test("exportDisk() writes files that only their owner can read, whatever the umask", async () => {
  const umask = process.umask(0);
  onTestFinished(() => void process.umask(umask));
  chmodSync(cachedDisk(base), 0o644);
  for (const part of ["kernel", "initrd"]) writeFileSync(join(dir, part), part, { mode: 0o644 });
  const direct = { ...image, origin: { ...image.origin, boot: "direct" } };
  const written = await exportDisk(direct, join(dir, "out.qcow2"), { format: "qcow2", standalone: false });
  expect(written).toHaveLength(4);
  for (const file of written) expect([file, statSync(file).mode & 0o777]).toEqual([file, 0o600]);
});

test("exportDisk() names the folder that is missing, with the command that makes it", async () => {
  const file = join(dir, "deep", "er", "out.raw");
  await expect(exportDisk(image, file, { format: "raw", standalone: true })).rejects.toMatchObject({
    code: "E_DESK_FILES",
    message: `The folder ${join(dir, "deep", "er")} does not exist`,
    hint: expect.stringContaining("mkdir -p"),
  });
});

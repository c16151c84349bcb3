import { createHash } from "node:crypto";
import { chmod, copyFile, mkdir, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { hashStream } from "../../artifacts/hash-file.ts";
import type { Captured } from "../machine.ts";
import { LAYER_INITRD, LAYER_KERNEL } from "./chain.ts";
import { type QemuFiles, type QemuSpec, topOf } from "./qemu-spec.ts";
import { runTool } from "./run-tool.ts";
import { assertNoRunOnDisk, expectRoot, findRoot, type StoppedDisk, takeBootFiles } from "./stopped-disk.ts";

/**
 * Makes an image of a stopped machine: what it wrote, compressed, as a qcow2 that names what is below it by digest; for a
 * made base also the kernel and initrd that boot it.
 *
 * @throws {BootlaceError} `E_CAPTURE_RUN_OPEN`, `E_DISK_UNREADABLE`.
 */
export async function captureDisk(
  spec: QemuSpec,
  files: QemuFiles,
  { view }: StoppedDisk,
  folder: string,
  signal?: AbortSignal,
): Promise<Captured> {
  const found = await findRoot(view);
  // A root that cannot be read from outside (xfs, btrfs) is taken as it is; docs/qemu.md says so.
  if (found) await assertNoRunOnDisk(found, spec.name);
  await mkdir(folder, { recursive: true });
  await chmod(folder, 0o700);
  const { base, arch, login, layers } = spec;
  // What is below, by digest: it lies in the desk's cache, wherever that is.
  const origin: Record<string, string> = { base: base.digest, format: base.format, boot: base.boot, arch, login };
  if (spec.from !== undefined) origin.from = spec.from;
  if (base.boot === "direct") {
    const { kernel, initrd } = await takeBootFiles(expectRoot(found, spec.name), files);
    await writeFile(join(folder, LAYER_KERNEL), kernel, { mode: 0o600 });
    await writeFile(join(folder, LAYER_INITRD), initrd, { mode: 0o600 });
    origin.kernel = sha256(kernel);
    origin.initrd = sha256(initrd);
  }
  // Made where the links are that lead to what is below; the header keeps the name alone.
  const made = join(files.folder, "capture.qcow2");
  try {
    const { name, format } = topOf(spec);
    await runTool(
      ["qemu-img", "convert", "-c", "-W", "-m", "8", "-O", "qcow2"].concat(
        ["-o", `compression_type=zstd,backing_file=${name},backing_fmt=${format}`],
        ["disk.qcow2", "capture.qcow2"],
      ),
      { cwd: files.folder, code: "E_DISK_UNREADABLE", signal },
    );
    await chmod(made, 0o600);
    const { digest, bytes } = await hashStream(made);
    const file = join(folder, "layer.qcow2");
    await moveFile(made, file);
    return { layer: { digest, bytes, file }, parents: layers, origin };
  } finally {
    await rm(made, { force: true });
  }
}

const sha256 = (bytes: Buffer): string => createHash("sha256").update(bytes).digest("hex");

async function moveFile(from: string, to: string): Promise<void> {
  try {
    await rename(from, to);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EXDEV") throw error;
    await copyFile(from, to);
  }
}

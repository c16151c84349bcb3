import { chmod, copyFile, mkdtemp, rename, rm, stat, symlink } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { BootlaceError } from "../../../stage2/index.ts";
import { assertLayer } from "../assert-layer.ts";
import type { Layer, Origin } from "../machine.ts";
import { cachedDisk, cachedInitrd, cachedKernel } from "./cache.ts";
import { LAYER_INITRD, LAYER_KERNEL } from "./chain.ts";
import { diskName } from "./qemu-spec.ts";
import { runTool } from "./run-tool.ts";

export interface ExportOptions {
  readonly format: "qcow2" | "raw";
  /** One file with all that it stands on; else a chain of files, named by digest, beside it. */
  readonly standalone: boolean;
  /** qcow2 alone. */
  readonly compressed?: boolean;
  readonly signal?: AbortSignal | undefined;
}

export interface ExportedImage {
  readonly origin: Origin;
  readonly layers: readonly Layer[];
}

/**
 * Writes an image's disk for others: with kernel and initrd beside it (`FILE.kernel`, `FILE.initrd`) where its disk does
 * not boot by itself. A file that is there is not overwritten.
 *
 * @returns the files written, absolute or as `file` is.
 * @throws {BootlaceError} `E_QEMU_BASE` when the base is gone, `E_IMAGE_DAMAGED`, `E_DESK_FILES` when the file is there or
 * its folder is not. All files have mode 0600.
 */
export async function exportDisk(
  { origin, layers }: ExportedImage,
  file: string,
  { format, standalone, compressed = false, signal }: ExportOptions,
): Promise<readonly string[]> {
  await assertFolder(dirname(file));
  const written = [file, ...(origin.boot === "direct" ? [`${file}.kernel`, `${file}.initrd`] : [])];
  for (const path of written)
    if (await stat(path).catch(() => undefined))
      throw new BootlaceError("E_DESK_FILES", `${path} is there already`, { hint: "Name another file, or remove it." });
  const base = { digest: origin.base ?? "", format: origin.format === "raw" ? "raw" : "qcow2" } as const;
  const disk = cachedDisk(base);
  if (!(await stat(disk).catch(() => undefined)))
    throw new BootlaceError("E_QEMU_BASE", `The base of the image is no longer at this desk: ${disk}`, {
      hint: "Was the cache emptied, or XDG_CACHE_HOME changed? Build the image again, or put the file back.",
    });
  for (const layer of layers) await assertLayer(layer);
  const chain = [
    { name: diskName(base.digest, base.format), file: disk },
    ...layers.map((layer) => ({ name: diskName(layer.digest, "qcow2"), file: layer.file })),
  ];
  const top = chain.at(-1);
  // In the target's own folder, so that the last step is a rename.
  const work = await mkdtemp(join(dirname(file), ".bootlace-export-"));
  try {
    for (const { name, file: from } of chain) await symlink(from, join(work, name));
    const below = chain.at(-2);
    const backing =
      standalone || !below ? [] : ["-o", `backing_file=${below.name},backing_fmt=${formatOf(below.name)}`];
    await runTool(
      ["qemu-img", "convert", ...(compressed ? ["-c"] : []), "-O", format, ...backing, top?.name ?? "", "export"],
      { cwd: work, code: "E_QEMU_BASE", signal },
    );
    if (!standalone)
      for (const { name, file: from } of chain.slice(0, -1)) {
        await copyOwn(from, join(dirname(file), name));
        written.push(join(dirname(file), name));
      }
    await chmod(join(work, "export"), 0o600);
    await rename(join(work, "export"), file);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
  if (origin.boot === "direct") {
    const own = layers.at(-1);
    const beside = own && dirname(own.file);
    await copyOwn(beside ? join(beside, LAYER_KERNEL) : cachedKernel(base.digest), `${file}.kernel`);
    await copyOwn(beside ? join(beside, LAYER_INITRD) : cachedInitrd(base.digest), `${file}.initrd`);
  }
  return written.map((path) => (path === file ? file : join(dirname(file), basename(path))));
}

/** What a machine wrote may be private, whatever the mode of the copy's origin. */
async function copyOwn(from: string, to: string): Promise<void> {
  await copyFile(from, to);
  await chmod(to, 0o600);
}

async function assertFolder(folder: string): Promise<void> {
  const found = await stat(folder).catch(() => undefined);
  if (!found?.isDirectory())
    throw new BootlaceError("E_DESK_FILES", `The folder ${folder} does not exist`, {
      hint: `Make it: mkdir -p ${folder}`,
    });
}

const formatOf = (name: string): string => (name.endsWith(".raw") ? "raw" : "qcow2");

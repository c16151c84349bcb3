import { chmod, rm, stat, symlink } from "node:fs/promises";
import { join, relative } from "node:path";
import { BootlaceError } from "../../../stage2/index.ts";
import { cachedDisk, cachedInitrd, cachedKernel } from "./cache.ts";
import { diskName, type QemuFiles, type QemuSpec, topOf } from "./qemu-spec.ts";
import { runTool } from "./run-tool.ts";

/** Beside a layer's file: what boots it. */
export const LAYER_KERNEL = "kernel";
export const LAYER_INITRD = "initrd";

/**
 * Links what a machine stands on into its folder under the names that qcow2's headers have. QEMU looks for a backing file
 * beside the file that names it, so the chain is found wherever the project and the cache have been moved to.
 *
 * @throws {BootlaceError} `E_QEMU_BASE` when the base is no longer in the cache, `E_IMAGE_DAMAGED` when a layer is gone.
 */
export async function linkChain(spec: QemuSpec, files: QemuFiles): Promise<void> {
  const { base, layers } = spec;
  const disk = cachedDisk(base);
  if (!(await stat(disk).catch(() => undefined)))
    throw new BootlaceError("E_QEMU_BASE", `The base of ${spec.name} is no longer at this desk: ${disk}`, {
      hint: "Was the cache emptied, or XDG_CACHE_HOME changed? Build its image again, or put the file back.",
    });
  await link(disk, join(files.folder, diskName(base.digest, base.format)));
  for (const layer of layers) {
    if (!(await stat(layer.file).catch(() => undefined)))
      throw new BootlaceError("E_IMAGE_DAMAGED", `${layer.file} is gone; machine ${spec.name} stands on it`);
    await link(relative(files.folder, layer.file), join(files.folder, diskName(layer.digest, "qcow2")));
  }
  if (base.boot === "disk") return;
  const top = layers.at(-1);
  const beside = top && relative(files.folder, join(top.file, ".."));
  await link(beside ? join(beside, LAYER_KERNEL) : cachedKernel(base.digest), files.kernel);
  await link(beside ? join(beside, LAYER_INITRD) : cachedInitrd(base.digest), files.initrd);
}

async function link(target: string, path: string): Promise<void> {
  await rm(path, { force: true });
  await symlink(target, path);
}

/** Makes a machine's own, empty disk on what is linked already. */
export async function makeOverlay(spec: QemuSpec, files: QemuFiles, signal?: AbortSignal): Promise<void> {
  const { name, format } = topOf(spec);
  const size = spec.disk === undefined ? [] : [String(spec.disk)];
  if (spec.disk !== undefined) {
    const below = await virtualSize(join(files.folder, name), format);
    if (spec.disk < below)
      throw new BootlaceError("E_QEMU_BASE", `A disk of ${spec.disk} bytes is smaller than its base of ${below}`, {
        hint: "A disk only grows: leave `disk:` out, or write more.",
      });
  }
  await runTool(["qemu-img", "create", "-q", "-f", "qcow2", "-F", format, "-b", name, "disk.qcow2", ...size], {
    cwd: files.folder,
    code: "E_QEMU_BASE",
    signal,
  });
  await chmod(files.disk, 0o600);
}

/** Bytes that a disk has for a guest. */
export async function virtualSize(file: string, format: string): Promise<number> {
  const said = await runTool(["qemu-img", "info", "-U", "--output=json", "-f", format, file], { code: "E_QEMU_BASE" });
  return (JSON.parse(said) as { "virtual-size": number })["virtual-size"];
}

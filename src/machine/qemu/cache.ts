import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { deskCache } from "../../cli/desk-cache.ts";
import { asDeskFilesError } from "../../cli/desk-files-error.ts";
import { type BaseDisk, diskName } from "./qemu-spec.ts";

/** Where disks are kept that machines stand on: `$XDG_CACHE_HOME/bootlace/qemu`, by default below `~/.cache`. */
export const qemuCache = (): string => deskCache("qemu");

/** A disk of the cache. Kernel and initrd of a made base lie beside it under the same digest. */
export function cachedDisk({ digest, format }: Pick<BaseDisk, "digest" | "format">): string {
  return join(qemuCache(), "disks", diskName(digest, format));
}

export const cachedKernel = (digest: string): string => join(qemuCache(), "disks", `${digest}.kernel`);
export const cachedInitrd = (digest: string): string => join(qemuCache(), "disks", `${digest}.initrd`);

/** Makes a folder of the cache. @throws {BootlaceError} `E_DESK_FILES` when it cannot be made. */
export async function makeCacheFolder(name: string): Promise<string> {
  const folder = join(qemuCache(), name);
  try {
    // Disks may hold what is private.
    await mkdir(folder, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw asDeskFilesError(error, "Set XDG_CACHE_HOME to a folder that you can write.");
  }
  return folder;
}

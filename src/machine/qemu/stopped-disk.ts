import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { BootlaceError } from "../../../stage2/index.ts";
import { ExtVolume, type Range } from "../../disk/ext-volume.ts";
import { writeRawView, zeroFreeSpace } from "../../disk/overlay.ts";
import { findVolumes } from "../../disk/volumes.ts";
import { assertNoOpenRun, JOURNAL } from "../open-run.ts";
import type { QemuFiles } from "./qemu-spec.ts";

/** A stopped machine's disk, readable from outside. */
export interface StoppedDisk {
  /** Raw, with all that it stands on. */
  readonly view: string;
  /** What the machine wrote and still uses. */
  readonly written: readonly Range[];
}

/**
 * Makes the view, and gives back what deleted files held.
 *
 * @throws {BootlaceError} `E_DISK_UNREADABLE`, also for a machine that was cut off and not started since.
 */
export async function openStoppedDisk(files: QemuFiles, signal?: AbortSignal): Promise<StoppedDisk> {
  const view = join(files.folder, "view.raw");
  await rm(view, { force: true });
  await writeRawView(files.disk, view, signal);
  return { view, written: await zeroFreeSpace(files.disk, view) };
}

/** The volume that `/etc` lies on; undefined where no file system of the disk can be read. */
export async function findRoot(view: string): Promise<ExtVolume | undefined> {
  for (const { start, kind } of await findVolumes(view)) {
    if (kind !== "ext") continue;
    const volume = new ExtVolume(view, start);
    if (await volume.find("/etc/passwd")) return volume;
  }
  return undefined;
}

/** @throws {BootlaceError} `E_CAPTURE_RUN_OPEN`. */
export async function assertNoRunOnDisk(root: ExtVolume, machine: string): Promise<void> {
  const journal = await root.find(JOURNAL);
  if (journal) assertNoOpenRun((await root.read(journal)).toString(), machine);
}

export interface BootFiles {
  readonly kernel: Buffer;
  readonly initrd: Buffer;
}

/**
 * What boots the disk next: the newest kernel on it that has an initrd, since an init may have upgraded it; what has
 * booted it so far where there is none.
 */
export async function takeBootFiles(root: ExtVolume, files: QemuFiles): Promise<BootFiles> {
  const entries = (await root.listFolder("/boot")).filter(({ kind }) => kind === "file");
  const named = (prefix: string) => entries.filter(({ path }) => path.startsWith(`/boot/${prefix}`));
  const versions = named("vmlinuz-").map(({ path }) => path.slice("/boot/vmlinuz-".length));
  const byNumber = new Intl.Collator("en", { numeric: true });
  for (const version of versions.sort(byNumber.compare).reverse()) {
    const kernel = entries.find(({ path }) => path === `/boot/vmlinuz-${version}`);
    const initrd = entries.find(({ path }) => path === `/boot/initrd.img-${version}`);
    if (!kernel || !initrd) continue;
    return { kernel: await root.read(kernel), initrd: await root.read(initrd) };
  }
  return { kernel: await readFile(files.kernel), initrd: await readFile(files.initrd) };
}

/** @throws {BootlaceError} `E_DISK_UNREADABLE` for a made base whose file system is gone. */
export function expectRoot(root: ExtVolume | undefined, name: string): ExtVolume {
  if (root) return root;
  throw new BootlaceError("E_DISK_UNREADABLE", `The disk of ${name} has no root file system that can be read`);
}

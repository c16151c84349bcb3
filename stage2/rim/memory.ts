import { lstatSync, mkdirSync, statfsSync } from "node:fs";
import { basename, dirname } from "node:path";
import type { Paths } from "./paths.ts";

/** `f_type` of the file systems that live in memory, tmpfs and ramfs: statfs(2). */
const IN_MEMORY = new Set([0x01021994, 0x858458f6]);
/** Where /run is on a disk, as in many containers. */
const SHARED_MEMORY = "/dev/shm/bootlace";

/** A folder of ours in memory, where secrets may lie; undefined where the machine has none. */
export function memoryFolder(paths: Paths): string | undefined {
  const shared = paths.root === "/" ? SHARED_MEMORY : `${SHARED_MEMORY}-${basename(paths.volatile)}`;
  return [paths.volatile, shared].find((folder) => {
    try {
      mkdirSync(dirname(folder), { recursive: true });
      mkdirSync(folder, { mode: 0o755 });
    } catch {
      // It is there already, or cannot be made: both are looked at below.
    }
    return isOurs(folder) && IN_MEMORY.has(statfsSync(folder).type);
  });
}

/** /dev/shm is open to all: a folder that somebody else has put there, or a link, is not taken. */
function isOurs(folder: string): boolean {
  const stat = lstatSync(folder, { throwIfNoEntry: false });
  return stat?.isDirectory() === true && stat.uid === process.getuid?.() && (stat.mode & 0o022) === 0;
}

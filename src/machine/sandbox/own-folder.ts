import { chmod, lstat, mkdir } from "node:fs/promises";
import { dirname } from "node:path";

/** Who may write in a folder besides its owner: group and others. */
const WRITABLE_BY_OTHERS = 0o022;

/**
 * Makes a folder that is ours alone (0700), or takes one that we made before. /var/tmp and /dev/shm are open to all:
 * whoever puts a folder or a link there first would own what root mounts and runs from it.
 *
 * @throws {Error} what is in the way.
 */
export async function claimFolder(folder: string): Promise<void> {
  await mkdir(dirname(folder), { recursive: true });
  await mkdir(folder, { mode: 0o700 }).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "EEXIST") throw error;
  });
  if (!(await isOurs(folder)))
    throw new Error(`${folder} is not a folder of ours alone: somebody else made it or may write in it; remove it`);
  await chmod(folder, 0o700);
}

/** A folder, not a link to one, that nobody but us can have put anything into. */
export async function isOurs(folder: string): Promise<boolean> {
  const found = await lstat(folder).catch(() => undefined);
  return found?.isDirectory() === true && found.uid === process.getuid?.() && (found.mode & WRITABLE_BY_OTHERS) === 0;
}

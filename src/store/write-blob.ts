import { randomBytes } from "node:crypto";
import { mkdir, open, rename, rm, stat } from "node:fs/promises";
import { dirname } from "node:path";

/**
 * Puts an immutable blob at `file`: written beside, fsynced, renamed, the folder fsynced. What stands there already
 * with the same length is left alone; a shorter one (from a crash of something less careful) is replaced.
 */
export async function writeBlob(file: string, bytes: Uint8Array): Promise<void> {
  if ((await stat(file).catch(() => undefined))?.size === bytes.length) return;
  await writeDurably(file, bytes);
}

/** Replaces `file` in one step, so that a reader or a crash sees the old bytes or the new ones, never a mixture. */
export async function writeDurably(file: string, bytes: Uint8Array, mode = 0o644): Promise<void> {
  const folder = dirname(file);
  await mkdir(folder, { recursive: true });
  const beside = `${file}.${process.pid}.${randomBytes(4).toString("hex")}.new`;
  try {
    const handle = await open(beside, "wx", mode);
    try {
      await handle.writeFile(bytes);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(beside, file);
  } catch (error) {
    await rm(beside, { force: true });
    throw error;
  }
  await syncFolder(folder);
}

/** Makes a rename in `folder` survive a power loss: fsync(2), NOTES. */
export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

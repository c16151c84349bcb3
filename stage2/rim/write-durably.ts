import { closeSync, fsyncSync, openSync, renameSync, writeSync } from "node:fs";
import { dirname } from "node:path";

/** Puts a whole file of root's in the place of the old one; a power cut leaves one or the other. */
export function writeDurably(path: string, text: string): void {
  const fresh = `${path}.new`;
  const fd = openSync(fresh, "w", 0o600);
  const bytes = Buffer.from(text);
  for (let done = 0; done < bytes.length; ) done += writeSync(fd, bytes, done);
  fsyncSync(fd);
  closeSync(fd);
  renameSync(fresh, path);
  syncFolder(path);
}

/** Makes a name that was just made in a folder durable. */
export function syncFolder(path: string): void {
  const fd = openSync(dirname(path), "r");
  fsyncSync(fd);
  closeSync(fd);
}

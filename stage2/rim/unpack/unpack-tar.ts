import {
  chmodSync,
  chownSync,
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  futimesSync,
  lchownSync,
  linkSync,
  mkdirSync,
  openSync,
  symlinkSync,
  writeSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { pipeline, type Readable } from "node:stream";
import { createGunzip } from "node:zlib";
import { ArchiveError } from "../../archive/archive-error.ts";
import type { Admitted, ArchiveLimits } from "../../archive/entry-rules.ts";
import { readArchive } from "../../archive/read-archive.ts";

export interface Owner {
  readonly uid: number;
  readonly gid: number;
}

const { O_WRONLY, O_CREAT, O_EXCL, O_NOFOLLOW } = constants;

/**
 * Unpacks a tar stream below a folder that is empty and that nobody else can write to. Each entry is looked at before it
 * is written; at the first one that may not be, everything ends. Modes lose what group and others might write.
 *
 * @param owner Whom everything is given to; undefined: whoever runs this.
 * @throws {ArchiveError} with what was refused; what was written until then is the caller's to remove.
 */
export async function unpackTar(
  source: AsyncIterable<Uint8Array>,
  folder: string,
  limits: ArchiveLimits,
  owner?: Owner,
): Promise<void> {
  const folders = new Map<string, number>();
  let file: { readonly fd: number; readonly entry: Admitted } | undefined;
  const finish = (): void => {
    if (file === undefined) return;
    const { fd, entry } = file;
    file = undefined;
    try {
      if (owner !== undefined) fchownSync(fd, owner.uid, owner.gid);
      fchmodSync(fd, entry.mode & 0o755);
      futimesSync(fd, entry.mtime, entry.mtime);
    } finally {
      closeSync(fd);
    }
  };
  try {
    for await (const part of readArchive(source, limits)) {
      if ("data" in part) {
        if (file !== undefined) writeAll(file.fd, part.data);
        continue;
      }
      finish();
      const { kind, path, target, mode } = part.entry;
      if (path === "") continue;
      const to = join(folder, path);
      for (let above = dirname(path); above !== "." && !folders.has(above); above = dirname(above))
        folders.set(above, 0o755);
      mkdirSync(kind === "folder" ? to : dirname(to), { recursive: true, mode: 0o700 });
      if (kind === "folder") folders.set(path, (mode & 0o755) | 0o700);
      if (kind === "file") {
        file = { fd: openSync(to, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600), entry: part.entry };
      }
      if (kind === "symlink") {
        symlinkSync(target, to);
        if (owner !== undefined) lchownSync(to, owner.uid, owner.gid);
      }
      if (kind === "hardlink") linkSync(join(folder, target), to);
    }
    finish();
  } finally {
    if (file !== undefined) closeSync(file.fd);
  }
  // At the end and from below, so that a folder that its owner may not write to can be filled.
  for (const [path, mode] of [...folders].sort(([a], [b]) => (a < b ? 1 : -1))) {
    if (owner !== undefined) chownSync(join(folder, path), owner.uid, owner.gid);
    chmodSync(join(folder, path), mode);
  }
}

/** What a gzip stream holds, as it is asked for: a bomb goes off no further than its reader reads. */
export async function* gunzipped(input: Readable): AsyncGenerator<Uint8Array> {
  const gunzip = createGunzip({ chunkSize: 256 * 1024 });
  pipeline(input, gunzip, () => {});
  try {
    for await (const chunk of gunzip) yield chunk;
  } catch (error) {
    const { code = "", message } = error as NodeJS.ErrnoException;
    if (code === "Z_BUF_ERROR") throw new ArchiveError("it is cut off");
    if (code.startsWith("Z_")) throw new ArchiveError(`it is damaged, or no gzip: ${message}`);
    throw error;
  } finally {
    gunzip.destroy();
    input.destroy();
  }
}

function writeAll(fd: number, bytes: Buffer): void {
  for (let done = 0; done < bytes.length; ) done += writeSync(fd, bytes, done);
}

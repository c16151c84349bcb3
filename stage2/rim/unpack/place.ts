import { execFile } from "node:child_process";
import {
  closeSync,
  createReadStream,
  createWriteStream,
  fchmodSync,
  fchownSync,
  fstatSync,
  fsyncSync,
  lstatSync,
  renameSync,
  rmSync,
} from "node:fs";
import { basename, dirname } from "node:path";
import { pipeline } from "node:stream/promises";
import { promisify } from "node:util";
import type { ArchiveLimits } from "../../archive/entry-rules.ts";
import { mergeTree } from "./merge-tree.ts";
import { inFolder, openFolder, PlaceError } from "./open-folder.ts";
import { makeStaging, removeStaging } from "./staging.ts";
import { gunzipped, type Owner, unpackTar } from "./unpack-tar.ts";

/** What an artifact may unpack to: docs/artifacts.md. */
export const ARTIFACT_LIMITS: ArchiveLimits = { entries: 250_000, bytes: 32 * 1024 ** 3, links: true };

/** Where something goes, and for whom. */
export interface Placing {
  /** Absolute path of the blob. */
  readonly from: string;
  /** Absolute. */
  readonly to: string;
  /** Undefined: whoever runs this. */
  readonly owner: Owner | undefined;
  /** File that notes work in progress. */
  readonly note: string;
}

/** Puts a blob in its place as a file, in one step. @throws {PlaceError} */
export async function placeFile({ from, to, owner, note }: Placing, mode: number): Promise<void> {
  const folder = openFolder(dirname(to), { owner: undefined });
  try {
    const name = basename(to);
    if (lstatSync(inFolder(folder, name), { throwIfNoEntry: false })?.isDirectory())
      throw new PlaceError(`${to} is a folder, expected a file`);
    const beside = makeStaging(folder, dirname(to), "file", note);
    const { ino } = fstatSync(beside.fd);
    try {
      await pipeline(
        createReadStream(from, { highWaterMark: 1 << 20 }),
        createWriteStream("", { fd: beside.fd, autoClose: false }),
      );
      if (owner !== undefined) fchownSync(beside.fd, owner.uid, owner.gid);
      fchmodSync(beside.fd, mode);
      fsyncSync(beside.fd);
      renameSync(inFolder(folder, beside.name), inFolder(folder, name));
      fsyncSync(folder);
    } finally {
      closeSync(beside.fd);
      removeStaging(folder, beside.name, ino);
      rmSync(note, { force: true });
    }
  } finally {
    closeSync(folder);
  }
}

/**
 * Unpacks a tar.gz into a folder. Until all of it was found to be in order, nothing outside a staging folder of root's
 * is touched; then each file takes its place in one step.
 *
 * @throws {ArchiveError | PlaceError}
 */
export async function placeArchive({ from, to, owner, note }: Placing): Promise<void> {
  const folder = openFolder(to, { owner });
  try {
    const staging = makeStaging(folder, to, "folder", note);
    const { ino } = fstatSync(staging.fd);
    const staged = inFolder(staging.fd, ".");
    try {
      await unpackTar(gunzipped(createReadStream(from)), staged, ARTIFACT_LIMITS, owner);
      await sync(staging.fd);
      mergeTree(staged, folder, to);
      fsyncSync(folder);
    } finally {
      closeSync(staging.fd);
      removeStaging(folder, staging.name, ino);
      rmSync(note, { force: true });
    }
  } finally {
    closeSync(folder);
  }
}

/** A name may not be on the disk before its bytes are: sync(1), of one file system where it can. */
async function sync(fd: number): Promise<void> {
  const run = promisify(execFile);
  const env = { PATH: "/usr/sbin:/usr/bin:/sbin:/bin" };
  await run("sync", ["-f", `/proc/${process.pid}/fd/${fd}`], { env }).catch(() => run("sync", [], { env }));
}

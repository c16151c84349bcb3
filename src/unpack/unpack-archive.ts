import { randomBytes } from "node:crypto";
import { createReadStream } from "node:fs";
import { mkdir, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { Readable } from "node:stream";
import {
  ArchiveError,
  type ArchiveLimits,
  BootlaceError,
  gunzipped,
  readArchive,
  unpackTar,
} from "../../stage2/index.ts";

/**
 * Unpacks a tar stream at the desk in the place of `folder`: all of it, or nothing. Nothing is written outside of a
 * folder beside it until the last entry was found to be in order.
 *
 * @param what for messages: `the logs of run 3`.
 * @throws {BootlaceError} `E_ARCHIVE` for what is never unpacked.
 */
export async function unpackArchive(
  source: AsyncIterable<Uint8Array>,
  folder: string,
  { limits, what }: { readonly limits: ArchiveLimits; readonly what: string },
): Promise<void> {
  const beside = `${folder}.${randomBytes(4).toString("hex")}.new`;
  await mkdir(dirname(folder), { recursive: true });
  await mkdir(beside, { mode: 0o700 });
  try {
    await told(what, unpackTar(source, beside, limits));
    await rm(folder, { recursive: true, force: true });
    await rename(beside, folder);
  } finally {
    await rm(beside, { recursive: true, force: true });
  }
}

/** Reads a whole tar.gz and throws `E_ARCHIVE` if anything in it would not be unpacked. */
export async function checkArchive(file: string, limits: ArchiveLimits, what: string): Promise<void> {
  const read = async (): Promise<void> => {
    for await (const _ of readArchive(gunzipped(createReadStream(file)), limits)) {
      // Looking is all.
    }
  };
  await told(what, read());
}

/**
 * The bytes of one file of a tar.gz, without unpacking the rest; all of the archive is looked at.
 *
 * @param file Its path, or its bytes.
 * @returns undefined when it does not hold the file.
 * @throws {BootlaceError} `E_ARCHIVE`
 */
export async function readFromArchive(
  file: string | Buffer,
  path: string,
  { limits, what }: { readonly limits: ArchiveLimits; readonly what: string },
): Promise<Buffer | undefined> {
  const read = async (): Promise<Buffer | undefined> => {
    let parts: Buffer[] | undefined;
    let isWanted = false;
    const packed = typeof file === "string" ? createReadStream(file) : Readable.from([file]);
    for await (const part of readArchive(gunzipped(packed), limits)) {
      if ("entry" in part) {
        isWanted = part.entry.path === path && part.entry.kind === "file";
        if (isWanted) parts = [];
      } else if (isWanted) {
        parts?.push(part.data);
      }
    }
    return parts && Buffer.concat(parts);
  };
  return told(what, read());
}

async function told<T>(what: string, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (!(error instanceof ArchiveError)) throw error;
    throw new BootlaceError("E_ARCHIVE", `Refused to unpack ${what}: ${error.message}`, { cause: error });
  }
}

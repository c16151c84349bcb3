import type { ArchiveLimits } from "../../stage2/index.ts";
import { readFromArchive } from "../unpack/unpack-archive.ts";

/** An npm package that carries Node unpacks to about 130 MB. */
const LIMITS: ArchiveLimits = { entries: 20_000, bytes: 512 * 1024 * 1024, links: false };

/**
 * Bytes of one file of an npm package, read into memory without unpacking the rest.
 *
 * @throws {BootlaceError} `E_ARCHIVE` for a package that holds what is never unpacked.
 * @throws {Error} when it does not hold the file.
 */
export async function readBinary(tarball: string, path: string): Promise<Buffer> {
  const binary = await readFromArchive(tarball, path, { limits: LIMITS, what: tarball });
  if (binary === undefined) throw new Error(`${tarball} does not hold ${path}`);
  return binary;
}

import { LIMITS } from "../bundle/limits.ts";
import { readFromArchive } from "../unpack/unpack-archive.ts";

/**
 * The text of one file of a packed bundle, undefined when it holds none of that path.
 *
 * @param unpackedBytes Length of the tar stream in it, as the pointer names it: nothing is unpacked beyond.
 * @throws {BootlaceError} `E_ARCHIVE` for a bundle that no machine would unpack.
 */
export async function bundleText(packed: Buffer, unpackedBytes: number, path: string): Promise<string | undefined> {
  const limits = { entries: LIMITS.entries, bytes: Math.min(unpackedBytes, LIMITS.unpackedBytes), links: false };
  return (await readFromArchive(packed, path, { limits, what: "the bundle" }))?.toString("utf8");
}

import { type Admitted, type ArchiveLimits, EntryRules } from "./entry-rules.ts";
import { readTar } from "./read-tar.ts";

/** An entry that may be unpacked, or some bytes of the file that came last. */
export type ArchivePart = { readonly entry: Admitted } | { readonly data: Buffer };

/**
 * Reads a tar stream and lets through only what may be unpacked; everything that unpacks an archive, on machines and at
 * the desk, reads it with this.
 *
 * @throws {ArchiveError} at the first entry that may not be, before anything of it is given out.
 */
export async function* readArchive(
  source: AsyncIterable<Uint8Array>,
  limits: ArchiveLimits,
): AsyncGenerator<ArchivePart> {
  const rules = new EntryRules(limits);
  for await (const part of readTar(source, limits.bytes)) {
    yield "data" in part ? part : { entry: rules.admit(part.entry) };
  }
}

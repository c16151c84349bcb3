import { Readable } from "node:stream";
import { text as textOf } from "node:stream/consumers";
import { pipeline } from "node:stream/promises";
import { gunzipSync } from "node:zlib";
import { list, type ReadEntry } from "tar";

/**
 * The text of one file of a packed bundle, undefined when it holds none of that path.
 *
 * @param unpackedBytes Length of the tar stream in it, as the pointer names it: nothing is unpacked beyond.
 */
export async function bundleText(packed: Buffer, unpackedBytes: number, path: string): Promise<string | undefined> {
  const tar = gunzipSync(packed, { maxOutputLength: Math.max(1, unpackedBytes) });
  let found: Promise<string> | undefined;
  const onReadEntry = (entry: ReadEntry): void => {
    if (entry.path === path && found === undefined) found = textOf(Readable.from(entry));
    else entry.resume();
  };
  await pipeline(Readable.from([tar]), list({ onReadEntry }));
  return found;
}

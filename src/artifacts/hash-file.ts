import { createHash } from "node:crypto";
import { closeSync, createReadStream, openSync, readSync, statSync } from "node:fs";
import type { Locked } from "./lock-file.ts";

/** SHA-256 and length of a file that may be larger than memory; undefined where there is none. */
export function hashFile(file: string): Locked | undefined {
  if (!statSync(file, { throwIfNoEntry: false })?.isFile()) return undefined;
  const hash = createHash("sha256");
  const chunk = Buffer.allocUnsafe(1024 * 1024);
  const handle = openSync(file, "r");
  let bytes = 0;
  try {
    for (let count = readSync(handle, chunk); count > 0; count = readSync(handle, chunk)) {
      hash.update(chunk.subarray(0, count));
      bytes += count;
    }
  } finally {
    closeSync(handle);
  }
  return { digest: hash.digest("hex"), bytes };
}

/** The same while other things go on. */
export async function hashStream(file: string): Promise<Locked> {
  const hash = createHash("sha256");
  let bytes = 0;
  for await (const chunk of createReadStream(file, { highWaterMark: 1 << 20 })) {
    const part: Buffer = chunk;
    hash.update(part);
    bytes += part.length;
  }
  return { digest: hash.digest("hex"), bytes };
}

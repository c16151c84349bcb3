import { Gzip } from "fflate";

const CHUNK = 4 * 1024 * 1024;

/**
 * Compresses with a fixed header (RFC 1952: no time, no name, OS 3) to bytes that depend on the input and `level` alone.
 * zlib's output differs between its versions and between processors; fflate is plain JavaScript, so it does not.
 * Lets the event loop run between pieces of 4 MiB.
 */
export async function gzip(bytes: Uint8Array, level: 4 | 6): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  const stream = new Gzip({ level, mtime: 0 }, (part) => parts.push(part));
  for (let at = 0; at < bytes.length || at === 0; at += CHUNK) {
    stream.push(bytes.subarray(at, at + CHUNK), at + CHUNK >= bytes.length);
    await new Promise((resolve) => setImmediate(resolve));
  }
  return Buffer.concat(parts);
}

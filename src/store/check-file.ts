import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { pipeline } from "node:stream/promises";
import { BootlaceError } from "../../stage2/index.ts";
import type { LocalBlob } from "./store.ts";

/** Reads a file of the desk once. @throws {BootlaceError} `E_STORE_DAMAGED` when it is not what its digest says. */
export async function checkFile(blob: LocalBlob): Promise<void> {
  const hash = createHash("sha256");
  const stream = createReadStream(blob.file, { highWaterMark: 1024 * 1024 });
  await pipeline(stream, hash);
  assertSame(blob, hash.digest("hex"), stream.bytesRead);
}

/** @throws {BootlaceError} `E_STORE_DAMAGED` when what was read is not what was meant. */
export function assertSame(blob: LocalBlob, digest: string, bytes: number): void {
  if (digest === blob.digest && bytes === blob.bytes) return;
  throw changed(
    `${blob.file} has ${bytes} bytes with SHA-256 ${digest}, expected ${blob.bytes} bytes with ${blob.digest}`,
  );
}

/** `E_STORE_DAMAGED` for a file that is no more what it was when the command began. */
export function changed(message: string): BootlaceError {
  return new BootlaceError("E_STORE_DAMAGED", message, {
    hint: "The file changed while it was being published: run the command again.",
  });
}

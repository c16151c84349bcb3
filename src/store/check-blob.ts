import { createHash } from "node:crypto";
import { BootlaceError } from "../../stage2/index.ts";
import { type BlobRef, blobKey } from "./store.ts";

/** Returns the bytes when they are what the name promises. @throws {BootlaceError} `E_STORE_DAMAGED` otherwise. */
export function checkBlob(blob: BlobRef, bytes: Buffer, where: string): Buffer {
  const digest = createHash("sha256").update(bytes).digest("hex");
  if (digest === blob.digest && bytes.length === blob.bytes) return bytes;
  throw new BootlaceError(
    "E_STORE_DAMAGED",
    `${where}/${blobKey(blob)} has ${bytes.length} bytes with SHA-256 ${digest}, expected ${blob.bytes} bytes`,
    { hint: "Remove it from the store and publish again: it is sent anew when it is missing." },
  );
}

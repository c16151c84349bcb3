import { BootlaceError } from "../../stage2/index.ts";
import { type BlobRef, blobKey, type Store } from "../store/store.ts";
import { writeDurably } from "../store/write-blob.ts";

/** "Sharing objects with presigned URLs", Amazon S3 User Guide: at most seven days. */
const LONGEST_MS = 7 * 86_400_000;

/** @throws {BootlaceError} `E_USAGE` when this store makes no such URLs, or not for so long. */
export function assertCanPresign(store: Store, milliseconds: number): void {
  if (!store.presign) {
    throw new BootlaceError("E_USAGE", `--presign makes URLs of objects in S3, the store is ${store.url}`);
  }
  if (milliseconds < 1000 || milliseconds > LONGEST_MS) {
    throw new BootlaceError("E_USAGE", "--for expects a time from 1s to 168h (7 days), which is the longest S3 allows");
  }
}

/**
 * Writes the file that boot.conf names with `auth=presigned`: `<key> <url>` for a channel and each of its blobs, mode 0600.
 * Whoever has it can read these objects until it runs out, at the latest when the credentials that signed it do.
 */
export async function writePresigned(
  store: Store,
  file: string,
  channel: string,
  blobs: readonly BlobRef[],
  milliseconds: number,
): Promise<void> {
  const keys = [`channels/${channel}`, ...new Set(blobs.map(blobKey))];
  const urls = await Promise.all(keys.map((key) => store.presign?.(key, Math.floor(milliseconds / 1000))));
  await writeDurably(file, Buffer.from(keys.map((key, at) => `${key} ${urls[at]}\n`).join("")), 0o600);
}

import { createReadStream } from "node:fs";
import { changed } from "./check-file.ts";
import type { S3Bucket } from "./s3-bucket.ts";
import { blobKey, type LocalBlob } from "./store.ts";

/**
 * Streams a file into a bucket by one PUT. S3 compares its SHA-256 before the object can be seen.
 *
 * @param etag Of the object that is to be replaced; undefined: there must be none.
 * @throws {BootlaceError} `E_STORE_DAMAGED` when the file changed on the way; what {@link S3Bucket.send} throws.
 */
export async function uploadFile(
  bucket: S3Bucket,
  blob: LocalBlob,
  etag: string | undefined,
  onBytes: (sent: number) => void,
): Promise<void> {
  const key = blobKey(blob);
  await bucket.send({ action: "s3:PutObject", key }, async ({ sdk, client, shared }) => {
    const { uploadClient } = await import("./s3-sdk.ts");
    const own = uploadClient(bucket.settings, client);
    const stop = new AbortController();
    let sent = 0;
    const Body = createReadStream(blob.file, { highWaterMark: 256 * 1024, end: Math.max(0, blob.bytes - 1) });
    // The client does not notice a file that cannot be read any more, or one that ends too soon: it would wait for ever.
    Body.on("error", (error) => stop.abort(error));
    Body.on("end", () => {
      if (sent !== blob.bytes) stop.abort(changed(`${blob.file} ended after ${sent} of ${blob.bytes} bytes`));
    });
    Body.on("data", (part) => {
      sent += part.length;
      onBytes(sent);
    });
    Body.pause();
    try {
      await own.send(
        new sdk.PutObjectCommand({
          ...shared,
          ...bucket.encryption(),
          ...(etag === undefined ? { IfNoneMatch: "*" } : { IfMatch: etag }),
          Key: bucket.path(key),
          Body,
          ContentLength: blob.bytes,
          ChecksumSHA256: Buffer.from(blob.digest, "hex").toString("base64"),
          ContentType: "application/octet-stream",
          CacheControl: "max-age=31536000, immutable",
        }),
        { abortSignal: stop.signal },
      );
    } catch (error) {
      if (stop.signal.aborted) throw stop.signal.reason;
      if (error instanceof Error && /^(BadDigest|XAmzContentChecksumMismatch|InvalidDigest)$/.test(error.name)) {
        throw changed(`${blob.file} is not what its SHA-256 ${blob.digest} says: S3 refused it`);
      }
      throw error;
    } finally {
      Body.destroy();
      own.destroy();
    }
  });
}

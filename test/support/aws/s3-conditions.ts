import { createHash } from "node:crypto";
import { S3Error } from "./s3-answers.ts";

type Headers = Readonly<Record<string, string>>;

/** x-amz-content-sha256 and x-amz-checksum-sha256 against the bytes that came. */
export function checkBody(body: Buffer, headers: Headers): void {
  const digest = createHash("sha256").update(body);
  const hex = digest.copy().digest("hex");
  const payload = headers["x-amz-content-sha256"];
  if (payload?.startsWith("STREAMING-")) throw new S3Error(501, "NotImplemented", `${payload} is not known here`);
  if (payload !== undefined && payload !== "UNSIGNED-PAYLOAD" && payload !== hex) {
    throw new S3Error(400, "XAmzContentSHA256Mismatch", "The provided x-amz-content-sha256 does not match");
  }
  const checksum = headers["x-amz-checksum-sha256"];
  if (checksum !== undefined && checksum !== digest.digest("base64")) {
    throw new S3Error(400, "BadDigest", "The SHA256 you specified did not match the calculated checksum.");
  }
}

/** "Conditional writes": If-None-Match: * for what may not be there, If-Match for what may not have changed. */
export function checkWriteConditions(there: { readonly etag: string } | undefined, headers: Headers): void {
  const failed = new S3Error(
    412,
    "PreconditionFailed",
    "At least one of the pre-conditions you specified did not hold",
  );
  if (headers["if-none-match"] !== undefined && there) throw failed;
  const match = headers["if-match"];
  if (match === undefined) return;
  if (!there) throw new S3Error(404, "NoSuchKey", "The specified key does not exist.");
  if (match !== there.etag) throw failed;
}

export function checkReadConditions({ etag }: { readonly etag: string }, headers: Headers): void {
  if (headers["if-match"] !== undefined && headers["if-match"] !== etag) throw new S3Error(412, "PreconditionFailed");
  if (headers["if-none-match"] === etag) throw new S3Error(304, "NotModified", "", { etag });
}

/** First and last byte of `bytes=a-`, `bytes=a-b`, `bytes=-n`. */
export function rangeOf(range: string | undefined, length: number): readonly [number, number] | undefined {
  const [, from, to] = /^bytes=(\d*)-(\d*)$/.exec(range ?? "") ?? [];
  if (from === undefined || (from === "" && to === "")) return undefined;
  const first = from === "" ? Math.max(0, length - Number(to)) : Number(from);
  const last = from === "" || to === "" ? length - 1 : Math.min(Number(to), length - 1);
  if (first >= length || last < first) {
    throw new S3Error(416, "InvalidRange", "The requested range is not satisfiable", {
      "content-range": `bytes */${length}`,
    });
  }
  return [first, last];
}

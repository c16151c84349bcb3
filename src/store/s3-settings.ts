import { BootlaceError } from "../../stage2/index.ts";

/** How a project gets at its bucket: `region` and `s3` of bootlace.yaml. */
export interface S3Access {
  readonly region?: string | undefined;
  /** Any endpoint that speaks S3: `https://minio.example.com`. */
  readonly endpoint?: string | undefined;
  /** `<endpoint>/<bucket>/<key>` in place of `<bucket>.<endpoint>/<key>`. */
  readonly pathStyle?: boolean | undefined;
  /** Id or ARN of a KMS key that objects are encrypted with (SSE-KMS). */
  readonly kmsKey?: string | undefined;
  /** Account that must own the bucket: 12 digits. */
  readonly bucketOwner?: string | undefined;
}

export interface S3Settings extends S3Access {
  readonly bucket: string;
  /** Without slashes around it; may be empty. */
  readonly prefix: string;
  readonly pathStyle: boolean;
}

/** "Bucket naming rules", Amazon S3 User Guide, for general purpose buckets. */
const BUCKET = /^(?!\d+\.\d+\.\d+\.\d+$)[a-z0-9](?:[a-z0-9-]|\.(?=[a-z0-9])){1,61}[a-z0-9]$/;
/** Characters that mean the same in every shell, URL and configuration file. */
const PREFIX = /^[A-Za-z0-9._-]+(?:\/[A-Za-z0-9._-]+)*$/;

/**
 * Takes `s3://bucket/prefix` apart. Path style is the default at an endpoint of one's own, as machines have it, and where
 * the bucket has a dot, which a certificate for `*.s3…` does not cover.
 *
 * @throws {BootlaceError} `E_STORE_URL`.
 */
export function s3Settings(address: string, access: S3Access = {}): S3Settings {
  const [, bucket = "", path = ""] = /^s3:\/\/([^/]*)(?:\/(.*))?$/.exec(address) ?? [];
  const prefix = path.replace(/^\/+|\/+$/g, "");
  if (!BUCKET.test(bucket)) {
    throw new BootlaceError(
      "E_STORE_URL",
      `The store ${address} names the bucket "${bucket}", which no bucket can be called`,
      {
        hint: "Expected s3://BUCKET or s3://BUCKET/PREFIX: lower-case letters, digits, hyphens and dots, 3 to 63 of them.",
      },
    );
  }
  if (prefix !== "" && (!PREFIX.test(prefix) || prefix.split("/").some((part) => part === "." || part === ".."))) {
    throw new BootlaceError(
      "E_STORE_URL",
      `The store ${address} has the prefix "${prefix}", which machines cannot ask for`,
      {
        hint: "Use letters, digits, dots, hyphens and underscores between single slashes.",
      },
    );
  }
  return { ...access, bucket, prefix, pathStyle: pathStyleOf(bucket, access) };
}

/** Whether a bucket is addressed in the path. */
export function pathStyleOf(bucket: string, { pathStyle, endpoint }: S3Access): boolean {
  return pathStyle ?? (endpoint !== undefined || bucket.includes("."));
}

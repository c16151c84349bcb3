import type { GetObjectCommandOutput, S3Client } from "@aws-sdk/client-s3";
import { BootlaceError } from "../../stage2/index.ts";
import { regionIn, type S3Step, s3Failure, statusOf } from "./s3-errors.ts";
import type { S3Settings } from "./s3-settings.ts";

type Sdk = typeof import("@aws-sdk/client-s3");

/** A small object: a pointer. */
export interface SmallObject {
  readonly text: string;
  readonly etag: string;
}

/** A conditional write's end: `lost` when the condition did not hold, `busy` when S3 was in the middle of another write. */
export type Written = "written" | "lost" | "busy";

/** Machines read at most this much of a pointer, docs/store.md. */
const POINTER_BYTES = 8192;

/** One bucket with its prefix, as the store speaks to it: keys are the store's own, errors are for people. */
export class S3Bucket {
  readonly settings: S3Settings;
  private region: string | undefined;
  private made: Promise<{ sdk: Sdk; client: S3Client }> | undefined;
  /** Of a client that is not used any more, milliseconds. */
  private clockOffset = 0;

  constructor(settings: S3Settings) {
    this.settings = settings;
    this.region = settings.region;
  }

  /** Prefix and key. */
  path(key: string): string {
    return this.settings.prefix === "" ? key : `${this.settings.prefix}/${key}`;
  }

  /** Undefined when it is not there. */
  async head(key: string): Promise<{ readonly bytes: number; readonly etag: string } | undefined> {
    const answer = await this.orMissing(
      this.send({ action: "s3:GetObject", key }, ({ sdk, client, shared }) =>
        client.send(new sdk.HeadObjectCommand({ ...shared, Key: this.path(key) })),
      ),
    );
    return answer && { bytes: answer.ContentLength ?? 0, etag: answer.ETag ?? "" };
  }

  /** Undefined when it is not there. The body must be read or destroyed. */
  get(key: string): Promise<GetObjectCommandOutput | undefined> {
    return this.orMissing(
      this.send({ action: "s3:GetObject", key }, ({ sdk, client, shared }) =>
        client.send(new sdk.GetObjectCommand({ ...shared, Key: this.path(key) })),
      ),
    );
  }

  /** A pointer with the ETag that a conditional write needs; undefined when it is not there. */
  async getText(key: string): Promise<SmallObject | undefined> {
    const answer = await this.get(key);
    if (answer === undefined) return undefined;
    const bytes = await this.body(answer, key, POINTER_BYTES);
    return { text: bytes.toString("latin1"), etag: answer.ETag ?? "" };
  }

  /** At most `limit` bytes of an answer. @throws {BootlaceError} `E_STORE_DAMAGED` when there are more. */
  async body(answer: GetObjectCommandOutput, key: string, limit: number): Promise<Buffer> {
    const parts: Buffer[] = [];
    let bytes = 0;
    try {
      for await (const part of (answer.Body ?? []) as AsyncIterable<Buffer>) {
        parts.push(part);
        bytes += part.length;
        if (bytes > limit) break;
      }
    } catch (error) {
      throw s3Failure(error, this.settings, { action: "s3:GetObject", key: this.path(key) });
    }
    if (bytes > limit) {
      throw new BootlaceError("E_STORE_DAMAGED", `${this.url(key)} is longer than the ${limit} bytes expected`);
    }
    return Buffer.concat(parts);
  }

  /** Writes a pointer if the object still is the one with this ETag; undefined: if there is none. */
  async putText(key: string, text: string, etag: string | undefined): Promise<Written> {
    const condition = etag === undefined ? { IfNoneMatch: "*" } : { IfMatch: etag };
    return this.conditional(
      this.send({ action: "s3:PutObject", key }, ({ sdk, client, shared }) =>
        client.send(
          new sdk.PutObjectCommand({
            ...shared,
            ...this.encryption(),
            ...condition,
            Key: this.path(key),
            Body: Buffer.from(text, "latin1"),
            ContentType: "text/plain",
            CacheControl: "no-cache",
          }),
        ),
      ),
    );
  }

  /** Names below a folder of the bucket, without it, in order. */
  async list(folder: string): Promise<readonly string[]> {
    const Prefix = this.path(`${folder}/`);
    const names: string[] = [];
    for (let ContinuationToken: string | undefined; ; ) {
      const page = await this.send({ action: "s3:ListBucket", key: `${folder}/` }, ({ sdk, client, shared }) =>
        client.send(
          new sdk.ListObjectsV2Command({ ...shared, Prefix, ...(ContinuationToken && { ContinuationToken }) }),
        ),
      );
      for (const { Key = "" } of page.Contents ?? []) names.push(Key.slice(Prefix.length));
      ContinuationToken = page.NextContinuationToken;
      if (!page.IsTruncated || ContinuationToken === undefined) return names.sort();
    }
  }

  /** `s3://bucket/prefix/key`, for people. */
  url(key: string): string {
    return `s3://${this.settings.bucket}/${this.path(key)}`;
  }

  encryption(): { ServerSideEncryption?: "aws:kms"; SSEKMSKeyId?: string } {
    const { kmsKey } = this.settings;
    return kmsKey === undefined ? {} : { ServerSideEncryption: "aws:kms", SSEKMSKeyId: kmsKey };
  }

  /** Sends, once more to the region that S3 names when it is another. @throws {BootlaceError} for what a person can mend. */
  async send<T>(
    step: S3Step,
    run: (tools: {
      sdk: Sdk;
      client: S3Client;
      shared: { Bucket: string; ExpectedBucketOwner?: string };
    }) => Promise<T>,
  ): Promise<T> {
    const { bucket, bucketOwner } = this.settings;
    const shared = { Bucket: bucket, ...(bucketOwner === undefined ? {} : { ExpectedBucketOwner: bucketOwner }) };
    const once = async (): Promise<T> => run({ ...(await this.tools()), shared });
    try {
      return await once().catch(async (error: unknown) => {
        const region = regionIn(error);
        if (region === undefined || region === this.region || ![301, 307, 400].includes(statusOf(error) ?? 0))
          throw error;
        this.region = region;
        this.clockOffset = (await this.tools()).client.config.systemClockOffset;
        this.made = undefined;
        return once();
      });
    } catch (error) {
      throw s3Failure(error, this.settings, { ...step, key: this.path(step.key) });
    }
  }

  async conditional(work: Promise<unknown>): Promise<Written> {
    try {
      await work;
      return "written";
    } catch (error) {
      if (!(error instanceof BootlaceError) || error.code === "E_STORE_BUCKET") throw error;
      const status = statusOf(error.cause);
      // 404: what If-Match meant is gone.
      if (status === 412 || status === 404) return "lost";
      if (status === 409) return "busy";
      throw error;
    }
  }

  private async orMissing<T>(work: Promise<T>): Promise<T | undefined> {
    try {
      return await work;
    } catch (error) {
      if (error instanceof BootlaceError && error.code !== "E_STORE_BUCKET" && statusOf(error.cause) === 404) {
        return undefined;
      }
      throw error;
    }
  }

  private tools(): Promise<{ sdk: Sdk; client: S3Client }> {
    // The SDK takes a tenth of a second to load: only who speaks to S3 waits for it.
    this.made ??= import("./s3-sdk.ts").then(async ({ s3Client }) => {
      const client = await s3Client(this.settings, this.region, { clockOffset: this.clockOffset });
      return { sdk: await import("@aws-sdk/client-s3"), client };
    });
    return this.made;
  }
}

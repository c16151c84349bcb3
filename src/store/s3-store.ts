import { BootlaceError } from "../../stage2/index.ts";
import { checkBlob } from "./check-blob.ts";
import { checkFile } from "./check-file.ts";
import { inParallel } from "./in-parallel.ts";
import { S3Bucket } from "./s3-bucket.ts";
import { S3Channels } from "./s3-channel.ts";
import { isPassing } from "./s3-errors.ts";
import { presignGet } from "./s3-presign.ts";
import type { S3Settings } from "./s3-settings.ts";
import { uploadFile } from "./s3-upload.ts";
import { type BlobRef, blobKey, type LocalBlob, type Store } from "./store.ts";

/** The largest object of one PUT: "Uploading objects", Amazon S3 User Guide. */
const PUT_BYTES = 5 * 1024 ** 3;
const PUT_TRIES = 5;

/** A store in an S3 bucket, at AWS or at any endpoint that speaks S3 and knows conditional writes. */
export class S3Store implements Store {
  readonly url: string;
  private readonly bucket: S3Bucket;
  private readonly channels: S3Channels;
  private asked: Promise<unknown> | undefined;

  constructor(settings: S3Settings) {
    this.url = `s3://${settings.bucket}${settings.prefix === "" ? "" : `/${settings.prefix}`}`;
    this.bucket = new S3Bucket(settings);
    this.channels = new S3Channels(this.bucket);
  }

  async has(blob: BlobRef): Promise<boolean> {
    return (await this.bucket.head(blobKey(blob)))?.bytes === blob.bytes;
  }

  async put(blob: LocalBlob, onBytes: (sent: number) => void = () => {}): Promise<"sent" | "there"> {
    if (blob.bytes > PUT_BYTES) {
      throw new BootlaceError(
        "E_BLOB_SIZE",
        `${blob.file} has ${blob.bytes} bytes, S3 takes ${PUT_BYTES} (5 GiB) in one piece`,
        {
          hint: "Split the artifact, or compress it.",
        },
      );
    }
    const there = await this.bucket.head(blobKey(blob));
    if (there?.bytes === blob.bytes) return "there";
    await checkFile(blob);
    for (let tries = 1; ; tries += 1) {
      try {
        const written = await this.bucket.conditional(uploadFile(this.bucket, blob, there?.etag, onBytes));
        if (written === "written") return "sent";
        // Somebody else sent the same blob meanwhile, or our own answer was lost.
        if (await this.has(blob)) return "there";
      } catch (error) {
        if (!isPassing(error instanceof BootlaceError ? error.cause : error) || tries === PUT_TRIES) throw error;
      }
      if (tries === PUT_TRIES)
        throw new BootlaceError(
          "E_STORE_UNREACHABLE",
          `${this.bucket.url(blobKey(blob))} could not be written: others write to it`,
        );
      await new Promise((resolve) => setTimeout(resolve, 100 * 2 ** tries * (1 + Math.random())));
    }
  }

  async get(blob: BlobRef): Promise<Buffer | undefined> {
    const answer = await this.bucket.get(blobKey(blob));
    return answer && checkBlob(blob, await this.bucket.body(answer, blobKey(blob), blob.bytes), this.url);
  }

  readChannel(name: string): Promise<string | undefined> {
    return this.channels.read(name);
  }

  moveChannel(name: string, next: string, expected: string | undefined): Promise<void> {
    return this.channels.move(name, next, expected);
  }

  history(name: string, limit = Number.MAX_SAFE_INTEGER): Promise<readonly string[]> {
    return this.channels.history(name, limit);
  }

  async results(deployment: string): Promise<ReadonlyMap<string, string>> {
    const folder = `results/${deployment}`;
    const names = (await this.bucket.list(folder)).filter((name) => name.endsWith(".json"));
    const found = await inParallel(8, names, async (name) => {
      const object = await this.bucket.getText(`${folder}/${name}`);
      return [name.slice(0, -".json".length), Buffer.from(object?.text ?? "", "latin1").toString()] as const;
    });
    return new Map(found);
  }

  /** A URL that lets whoever has it read one object, for so many seconds (at most 7 days, and no longer than the credentials live). */
  async presign(key: string, seconds: number): Promise<string> {
    // Nothing is sent to make a URL, and who never asked knows neither S3's clock nor the bucket's region.
    this.asked ??= this.bucket.head(key);
    await this.asked;
    return this.bucket.send({ action: "s3:GetObject", key }, ({ client }) =>
      presignGet(client, this.bucket.settings, this.bucket.path(key), seconds),
    );
  }
}

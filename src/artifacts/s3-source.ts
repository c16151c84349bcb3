import { Readable } from "node:stream";
import type { S3Client } from "@aws-sdk/client-s3";
import { regionIn, statusOf } from "../store/s3-errors.ts";
import { pathStyleOf } from "../store/s3-settings.ts";
import { Changed, FetchFailure, type Open, type Opened } from "./fetching.ts";
import type { RemoteSource } from "./remote-source.ts";

type S3Source = Extract<RemoteSource, { kind: "s3" }>;

/** Opens an object with the desk's own credentials (environment, profile, SSO: the SDK's chain). */
export function s3Source(source: S3Source): Open {
  let { region } = source;
  const addressing = { endpoint: source.endpoint, pathStyle: pathStyleOf(source.bucket, source) };
  return async (from, version, signal) => {
    const [{ GetObjectCommand }, { s3Client }] = await Promise.all([
      import("@aws-sdk/client-s3"),
      import("../store/s3-sdk.ts"),
    ]);
    for (let moved = false; ; moved = true) {
      // download() has the one bound on tries.
      const client = await s3Client(addressing, region, { attempts: 1 });
      const command = new GetObjectCommand({
        Bucket: source.bucket,
        Key: source.key,
        ...(from > 0 ? { Range: `bytes=${from}-` } : {}),
        ...(from > 0 && version !== undefined ? { IfMatch: version } : {}),
      });
      try {
        return opened(await client.send(command, signal ? { abortSignal: signal } : {}), from, client);
      } catch (error) {
        client.destroy();
        signal?.throwIfAborted();
        const right = regionIn(error);
        if (moved || right === undefined || right === region) throw explain(error, source);
        region = right;
      }
    }
  };
}

interface Answer {
  readonly Body?: unknown;
  readonly ContentLength?: number | undefined;
  readonly ContentRange?: string | undefined;
  readonly ETag?: string | undefined;
}

function opened({ Body, ContentLength, ContentRange, ETag }: Answer, wanted: number, client: S3Client): Opened {
  if (!(Body instanceof Readable)) throw new FetchFailure("S3 answered without a body", { again: true });
  Body.once("close", () => client.destroy());
  const [, start, all] = /^bytes (\d+)-\d+\/(\d+)$/.exec(ContentRange ?? "") ?? [];
  if (start === undefined) return { body: Body, from: 0, bytes: ContentLength, version: ETag };
  if (Number(start) === wanted) return { body: Body, from: wanted, bytes: Number(all), version: ETag };
  Body.destroy();
  throw new FetchFailure("S3 answered with another range than was asked for", { again: true });
}

/** Codes of "Error responses", Amazon S3 API Reference; S3 says 403 for what is missing to who may not list. */
function explain(error: unknown, { bucket, key }: S3Source): FetchFailure {
  if (error instanceof FetchFailure || !(error instanceof Error)) throw error;
  const status = statusOf(error);
  const failed = (message: string, again: boolean, hint?: string): FetchFailure =>
    new FetchFailure(message, { again, cause: error, ...(hint === undefined ? {} : { hint }) });
  if (error.name === "NoSuchBucket") return failed(`there is no bucket ${bucket}`, false);
  if (error.name === "NoSuchKey" || status === 404) return failed(`${bucket} has no object ${key}`, false);
  if (error.name === "CredentialsProviderError" || /credential/i.test(error.name))
    return failed(
      "no AWS credentials were found",
      false,
      "Log in (`aws sso login`), or set AWS_PROFILE or AWS_ACCESS_KEY_ID.",
    );
  if (status === 412 || status === 416) return new Changed(error);
  if (status === 403)
    return failed(
      `S3 refused: ${error.name}; without s3:ListBucket it says so for a missing object too`,
      false,
      `Allow s3:GetObject on arn:aws:s3:::${bucket}/${key}, and look whether the object is there.`,
    );
  const again = status === undefined || status === 408 || status === 429 || status >= 500;
  return failed(`S3: ${error.message || error.name}`, again);
}

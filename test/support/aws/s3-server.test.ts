import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { promisify } from "node:util";
import {
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
} from "@aws-sdk/client-s3";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Misbehaviour } from "./s3-misbehaviour.ts";
import { type S3Server, startS3, TEST_KEY } from "./s3-server.ts";

const curl = (...argv: readonly string[]) => promisify(execFile)("curl", ["-sS", "--max-time", "20", ...argv]);

let server: S3Server;
let client: S3Client;
const Bucket = "acme-boot";
const clientFor = (maxAttempts: number): S3Client =>
  new S3Client({
    region: server.region,
    endpoint: server.url,
    forcePathStyle: true,
    credentials: TEST_KEY,
    maxAttempts,
    requestChecksumCalculation: "WHEN_REQUIRED",
  });
beforeEach(async () => {
  server = await startS3({ anonymous: ["get", "list"] });
  client = clientFor(1);
});
afterEach(() => server.close());

describe("startS3()", () => {
  test("keeps what the SDK's client puts, byte for byte, under names with odd characters", async () => {
    const Key = "a b/ü+$&=@:~'()*!.txt";
    const Body = Buffer.from([0, 1, 2, 255]);
    const ChecksumSHA256 = createHash("sha256").update(Body).digest("base64");
    await client.send(new PutObjectCommand({ Bucket, Key, Body, ChecksumSHA256 }));
    expect([...server.objects.keys()]).toEqual([Key]);
    const got = await client.send(new GetObjectCommand({ Bucket, Key }));
    expect(Buffer.from((await got.Body?.transformToByteArray()) ?? [])).toEqual(Body);
    expect((await client.send(new HeadObjectCommand({ Bucket, Key }))).ContentLength).toBe(4);
    await client.send(new DeleteObjectCommand({ Bucket, Key }));
    await expect(client.send(new GetObjectCommand({ Bucket, Key }))).rejects.toMatchObject({ name: "NoSuchKey" });
  });

  test("refuses bytes that do not fit the checksum that came with them", async () => {
    const ChecksumSHA256 = createHash("sha256").update("other").digest("base64");
    const put = client.send(new PutObjectCommand({ Bucket, Key: "k", Body: "some", ChecksumSHA256 }));
    await expect(put).rejects.toMatchObject({ name: "BadDigest" });
    expect(server.objects.size).toBe(0);
  });

  test("grants a conditional write once", async () => {
    const first = await client.send(new PutObjectCommand({ Bucket, Key: "k", Body: "1", IfNoneMatch: "*" }));
    const failed = { name: "PreconditionFailed" };
    await expect(
      client.send(new PutObjectCommand({ Bucket, Key: "k", Body: "2", IfNoneMatch: "*" })),
    ).rejects.toMatchObject(failed);
    const IfMatch = first.ETag ?? "";
    await client.send(new PutObjectCommand({ Bucket, Key: "k", Body: "2", IfMatch }));
    await expect(client.send(new PutObjectCommand({ Bucket, Key: "k", Body: "3", IfMatch }))).rejects.toMatchObject(
      failed,
    );
  });

  test("lists in pages", async () => {
    for (const key of ["h/1", "h/2", "h/3", "i/1"]) server.put(key, key);
    const page = await client.send(new ListObjectsV2Command({ Bucket, Prefix: "h/", MaxKeys: 2 }));
    expect(page.Contents?.map(({ Key }) => Key)).toEqual(["h/1", "h/2"]);
    const rest = await client.send(
      new ListObjectsV2Command({ Bucket, Prefix: "h/", ContinuationToken: page.NextContinuationToken ?? "" }),
    );
    expect(rest).toMatchObject({ IsTruncated: false, Contents: [{ Key: "h/3", Size: 3 }] });
  });

  test("tells a missing object as a missing right to whoever may not list", async () => {
    server.credentials[0] = { ...TEST_KEY, allow: ["get"] };
    await expect(client.send(new GetObjectCommand({ Bucket, Key: "k" }))).rejects.toMatchObject({
      name: "AccessDenied",
    });
    await expect(client.send(new PutObjectCommand({ Bucket, Key: "k", Body: "x" }))).rejects.toMatchObject({
      name: "AccessDenied",
    });
  });

  test("answers the Host header of virtual-host style and ranges, without a signature in a public bucket", async () => {
    server.put("a/b", "0123456789");
    const at = ["--resolve", `${Bucket}.s3.eu-west-1.amazonaws.com:${server.port}:127.0.0.1`];
    const url = `http://${Bucket}.s3.eu-west-1.amazonaws.com:${server.port}/a/b`;
    expect((await curl(...at, "-r", "2-4", url)).stdout).toBe("234");
    expect((await curl("-r", "8-", `${server.url}/${Bucket}/a/b`)).stdout).toBe("89");
    expect(
      (await curl("-o", "/dev/null", "-w", "%{http_code}", "-r", "10-", `${server.url}/${Bucket}/a/b`)).stdout,
    ).toBe("416");
    expect(server.requests.map(({ key, sent }) => [key, sent])).toEqual([
      ["a/b", 3],
      ["a/b", 2],
      ["a/b", 0],
    ]);
  });

  test.each<readonly [string, Misbehaviour["fault"], number]>([
    ["truncate", { kind: "truncate", after: 4 }, 18],
    ["reset in the body", { kind: "reset", after: 4 }, 56],
    ["reset before the head", { kind: "reset", after: 0 }, 56],
    ["a Content-Length that is too large", { kind: "length", by: 5 }, 18],
  ])("misbehaves once by %s", async (_name, fault, exit) => {
    server.put("k", "0123456789");
    server.misbehave({ fault, key: /^k$/ });
    const get = () => curl(`${server.url}/${Bucket}/k`);
    await expect(get()).rejects.toMatchObject({ code: exit });
    expect((await get()).stdout).toBe("0123456789");
  });

  test("misbehaves by another key's bytes, changed bytes, throttling and the wrong region", async () => {
    server.put("k", "right");
    server.put("other", "wrong");
    server.misbehave({ fault: { kind: "swap", key: "other" } });
    server.misbehave({ fault: { kind: "change", body: (right) => Buffer.concat([right, right]) } });
    server.misbehave({ fault: { kind: "status", status: 503, headers: { "retry-after": "2" } } });
    server.misbehave({ fault: { kind: "redirect", status: 301, region: "us-west-2" } });
    const url = `${server.url}/${Bucket}/k`;
    expect((await curl(url)).stdout).toBe("wrong");
    expect((await curl(url)).stdout).toBe("rightright");
    expect((await curl("-i", url)).stdout).toMatch(/^HTTP\/1.1 503.*retry-after: 2.*<Code>SlowDown</s);
    expect((await curl("-i", url)).stdout).toMatch(
      /^HTTP\/1.1 301.*x-amz-bucket-region: us-west-2.*<Region>us-west-2</s,
    );
  });

  test("sends an endless body until the reader has had enough", async () => {
    server.put("k", "x");
    server.misbehave({ fault: { kind: "endless" } });
    let read = 0;
    for await (const part of (await fetch(`${server.url}/${Bucket}/k`)).body ?? []) {
      read += part.length;
      if (read > 1_000_000) break;
    }
    expect(read).toBeGreaterThan(1_000_000);
  });

  test("holds a body back until the test opens the gate", async () => {
    server.put("k", "0123456789");
    let open = (): void => {};
    const gate = new Promise<void>((resolve) => {
      open = resolve;
    });
    server.misbehave({ fault: { kind: "gate", after: 3, open: gate } });
    const answer = await fetch(`${server.url}/${Bucket}/k`);
    const reader = answer.body?.getReader();
    expect(Buffer.from((await reader?.read())?.value ?? []).toString()).toBe("012");
    open();
    expect(Buffer.from((await reader?.read())?.value ?? []).toString()).toBe("3456789");
  });

  test("refuses a signature whose time differs from the server's clock", async () => {
    server.clockOffset = 3_600_000;
    server.put("k", "x");
    // The SDK corrects its clock from the answer's Date and is through at the second try.
    const patient = clientFor(2);
    expect((await patient.send(new GetObjectCommand({ Bucket, Key: "k" }))).ContentLength).toBe(1);
    expect(server.requests.map(({ status }) => status)).toEqual([403, 200]);
  });
});

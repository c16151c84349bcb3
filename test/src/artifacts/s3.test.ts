import { createHash } from "node:crypto";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { obtain } from "../../../src/artifacts/obtain.ts";
import { setAwsCredentials, useAwsCredentials } from "../../support/aws/s3-credentials.ts";
import { type S3Server, startS3, TEST_KEY } from "../../support/aws/s3-server.ts";
import { ownCache } from "../../support/cache-folder.ts";

const BODY = Buffer.from("0123456789".repeat(10_000));
const LOCKED = { digest: createHash("sha256").update(BODY).digest("hex"), bytes: BODY.length };
const quick = { pause: async () => {} };

useAwsCredentials();
let cache: string;
let s3: S3Server;
beforeEach(async () => {
  cache = join(ownCache(), "bootlace/artifacts");
  s3 = await startS3();
  s3.put("shop/app", BODY);
});
afterEach(() => s3.close());

const source = (key = "shop/app", bucket = s3.bucket) =>
  ({
    kind: "s3",
    id: `s3://${bucket}/${key}`,
    bucket,
    key,
    region: s3.region,
    endpoint: s3.url,
    pathStyle: true,
  }) as const;

describe("obtain() from S3", () => {
  test("streams an object into the cache with the desk's credentials", async () => {
    expect((await obtain(source(), undefined, quick)).digest).toBe(LOCKED.digest);
    expect(readdirSync(cache)).toEqual([LOCKED.digest]);
  });

  test("goes on where the connection broke", async () => {
    // More than sockets hold: part of it has been written when the end comes.
    const big = Buffer.alloc(24 * 1024 * 1024, "0123456789");
    s3.put("big", big);
    s3.misbehave({ fault: { kind: "truncate", after: 20 * 1024 * 1024 } });
    expect((await obtain(source("big"), undefined, quick)).digest).toBe(createHash("sha256").update(big).digest("hex"));
    const [, second] = s3.requests;
    expect(second?.headers).toMatchObject({
      range: expect.stringMatching(/^bytes=[1-9]\d*-$/),
      "if-match": expect.any(String),
    });
  });

  test("starts over when the object has changed in between", async () => {
    const big = Buffer.alloc(24 * 1024 * 1024, "0123456789");
    s3.put("big", big);
    s3.misbehave({ fault: { kind: "truncate", after: 20 * 1024 * 1024 } });
    const newer = Buffer.alloc(24 * 1024 * 1024, "9876543210");
    const pause = async (): Promise<void> => s3.put("big", newer);
    const got = await obtain(source("big"), undefined, { pause });
    expect(got.digest).toBe(createHash("sha256").update(newer).digest("hex"));
  });

  test("tries again when S3 says SlowDown", async () => {
    s3.misbehave({ fault: { kind: "status", status: 503 } });
    expect((await obtain(source(), LOCKED, quick)).digest).toBe(LOCKED.digest);
  });

  test.each([301, 400] as const)("follows S3's word for the bucket's region, told with HTTP %i", async (status) => {
    s3.misbehave({ fault: { kind: "redirect", region: s3.region, status } });
    expect((await obtain({ ...source(), region: "ap-south-2" }, LOCKED, quick)).digest).toBe(LOCKED.digest);
  });

  test("finds the bucket's own region", async () => {
    const elsewhere = { ...source(), region: s3.region === "us-east-1" ? "eu-west-3" : "us-east-1" };
    expect((await obtain(elsewhere, LOCKED, quick)).digest).toBe(LOCKED.digest);
  });

  test.each([
    ["an object that is not there", () => source("gone"), /has no object gone/],
    ["a bucket that is not there", () => source("x", "other-bucket"), /there is no bucket other-bucket/],
  ])("says which: %s", async (_name, make, message) => {
    await expect(obtain(make(), undefined, quick)).rejects.toMatchObject({
      code: "E_ARTIFACT_GET",
      message: expect.stringMatching(message),
    });
    expect(readdirSync(cache)).toEqual([]);
  });

  test("explains that 403 may mean missing to who may not list", async () => {
    const key = { ...TEST_KEY, accessKeyId: "AKIAONLYGETONLYGET00", allow: ["get"] } as const;
    s3.credentials.push(key);
    setAwsCredentials(key);
    await expect(obtain(source("gone"), undefined, quick)).rejects.toMatchObject({
      code: "E_ARTIFACT_GET",
      message: expect.stringContaining("s3:ListBucket"),
      hint: expect.stringContaining("s3:GetObject"),
    });
  });

  test("says how to log in when there are no credentials", async () => {
    setAwsCredentials(undefined);
    await expect(obtain(source(), undefined, quick)).rejects.toMatchObject({
      code: "E_ARTIFACT_GET",
      message: expect.stringContaining("no AWS credentials were found"),
      hint: expect.stringContaining("AWS_PROFILE"),
    });
  });
});

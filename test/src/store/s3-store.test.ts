import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { S3Client } from "@aws-sdk/client-s3";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { HttpStore } from "../../../src/store/http-store.ts";
import { openStore } from "../../../src/store/open-store.ts";
import { presignGet } from "../../../src/store/s3-presign.ts";
import { type S3Access, s3Settings } from "../../../src/store/s3-settings.ts";
import { S3Store } from "../../../src/store/s3-store.ts";
import type { LocalBlob } from "../../../src/store/store.ts";
import { resolveLocalhost } from "../../support/aws/resolve-localhost.ts";
import { setAwsCredentials, useAwsCredentials } from "../../support/aws/s3-credentials.ts";
import type { Fault } from "../../support/aws/s3-misbehaviour.ts";
import { type S3Options, type S3Server, startS3, TEST_KEY } from "../../support/aws/s3-server.ts";
import { pointer, storeContract } from "./store-contract.ts";

resolveLocalhost();
useAwsCredentials();

const store = (server: S3Server, access: S3Access = {}, prefix = "/shop"): S3Store =>
  new S3Store(s3Settings(`s3://${server.bucket}${prefix}`, { endpoint: server.url, region: server.region, ...access }));

function contract(name: string, options: S3Options, open: (server: S3Server) => S3Store): void {
  storeContract(name, true, async () => {
    const server = await startS3(options);
    return { store: open(server), writer: open(server), dispose: () => server.close() };
  });
}

contract("S3Store, path style", {}, (server) => store(server, {}, ""));
contract("S3Store, virtual-host style", {}, (server) =>
  store(server, { endpoint: `http://localhost:${server.port}`, pathStyle: false }),
);
contract("S3Store, with a prefix, a KMS key and an owner", { owner: "123456789012" }, (server) =>
  store(server, { kmsKey: "alias/boot", bucketOwner: "123456789012" }, "/a/b.c"),
);
storeContract("HttpStore at a public bucket", false, async () => {
  const server = await startS3({ anonymous: ["get", "list"] });
  const readable = new HttpStore(`${server.url}/${server.bucket}/shop`);
  return { store: readable, writer: store(server), dispose: () => server.close() };
});

let home: string;
let server: S3Server;
beforeEach(async () => {
  home = mkdtempSync(join(tmpdir(), "bootlace-s3-"));
  server = await startS3();
});
afterEach(async () => {
  await server.close();
  rmSync(home, { recursive: true, force: true });
});

function local(text: string): LocalBlob {
  const file = join(home, "blob");
  writeFileSync(file, text);
  return { kind: "artifacts", digest: createHash("sha256").update(text).digest("hex"), bytes: text.length, file };
}

describe("S3Store", () => {
  test("writes under the prefix with checksum, encryption and the expected owner", async () => {
    const options = { kmsKey: "arn:aws:kms:eu-west-1:111122223333:key/1", bucketOwner: "111122223333" };
    const blob = local("hello");
    await store(server, options).put(blob);
    await store(server, options).moveChannel("prod", pointer(1), undefined);
    const puts = server.requests.filter(({ method }) => method === "PUT");
    expect(puts.map(({ key }) => key)).toEqual([`shop/artifacts/${blob.digest}`, "shop/channels/prod"]);
    for (const { headers } of puts) {
      expect(headers).toMatchObject({
        "x-amz-server-side-encryption": "aws:kms",
        "x-amz-server-side-encryption-aws-kms-key-id": options.kmsKey,
        "x-amz-expected-bucket-owner": "111122223333",
      });
    }
    expect(puts[0]?.headers["x-amz-checksum-sha256"]).toBe(Buffer.from(blob.digest, "hex").toString("base64"));
    expect(server.requests.every(({ headers }) => headers["x-amz-expected-bucket-owner"] === "111122223333")).toBe(
      true,
    );
  });

  test("put() sends a blob that is there already no second time", async () => {
    const blob = local("hello");
    await store(server).put(blob);
    expect(await store(server).put(blob)).toBe("there");
    expect(server.requests.filter(({ method }) => method === "PUT")).toHaveLength(1);
  });

  test("put() replaces an object of another length, which nobody can use", async () => {
    const blob = local("hello");
    server.put(`shop/artifacts/${blob.digest}`, "he");
    expect(await store(server).has(blob)).toBe(false);
    expect(await store(server).put(blob)).toBe("sent");
    expect(await store(server).has(blob)).toBe(true);
  });

  test.each<readonly [string, Fault]>([
    ["throttling", { kind: "status", status: 503 }],
    ["an error of the server", { kind: "status", status: 500 }],
    ["a reset", { kind: "reset", after: 0 }],
    ["an answer that is lost", { kind: "mute" }],
    [
      "a write of somebody else at the same moment",
      { kind: "status", status: 409, code: "ConditionalRequestConflict" },
    ],
  ])("put() and moveChannel() get over %s", async (_name, fault) => {
    const blob = local("hello");
    server.misbehave({ fault, method: "PUT", key: /artifacts/ });
    expect(["sent", "there"]).toContain(await store(server).put(blob));
    expect((await store(server).get(blob))?.toString()).toBe("hello");
    server.misbehave({ fault, method: "PUT", key: /channels/ });
    await store(server).moveChannel("prod", pointer(1), undefined);
    server.misbehave({ fault, method: "PUT", key: /history/ });
    await store(server).moveChannel("prod", pointer(2), pointer(1));
    expect(await store(server).history("prod")).toEqual([pointer(2), pointer(1)]);
  });

  test("moveChannel() knows its own move where the answer was lost and somebody moved on from it", async () => {
    await store(server).moveChannel("prod", pointer(1), undefined);
    server.misbehave({
      method: "PUT",
      key: /channels/,
      fault: {
        kind: "mute",
        meanwhile: () => {
          server.put("shop/history/prod/00000001.000000000000002", pointer(2));
          server.put("shop/channels/prod", pointer(3, "bob@desk"));
        },
      },
    });
    await store(server).moveChannel("prod", pointer(2), pointer(1));
    expect(await store(server).history("prod")).toEqual([pointer(3, "bob@desk"), pointer(2), pointer(1)]);
  });

  test("moveChannel() keeps what stood there under a name of its own where its number is taken in the history", async () => {
    server.put("shop/channels/prod", pointer(1, "mallory@x"));
    server.put("shop/history/prod/00000001.000000000000001", pointer(1));
    await store(server).moveChannel("prod", pointer(2), pointer(1, "mallory@x"));
    expect((await store(server).history("prod")).toSorted()).toEqual(
      [pointer(2), pointer(1), pointer(1, "mallory@x")].toSorted(),
    );
  });

  test("moveChannel() keeps and replaces what is no pointer", async () => {
    server.put("shop/channels/prod", "rubbish");
    await store(server).moveChannel("prod", pointer(1), "rubbish");
    expect(await store(server).history("prod")).toEqual([pointer(1), "rubbish"]);
    server.put("shop/channels/prod", "more rubbish");
    await expect(store(server).moveChannel("prod", pointer(2), pointer(1))).rejects.toMatchObject({
      code: "E_CHANNEL_MOVED",
      message: expect.stringContaining("no pointer"),
    });
  });

  test.each([301, 307, 400] as const)("follows the bucket to its region after HTTP %i", async (status) => {
    server.put("shop/channels/prod", pointer(1));
    server.misbehave({ fault: { kind: "redirect", region: server.region, status } });
    expect(await store(server, { region: "us-east-1" }).readChannel("prod")).toBe(pointer(1));
  });

  test("finds the region by itself, and asks for it once", async () => {
    server.put("shop/channels/prod", pointer(1));
    const opened = store(server, { region: undefined });
    expect(await opened.readChannel("prod")).toBe(pointer(1));
    expect(await opened.readChannel("prod")).toBe(pointer(1));
    expect(server.requests.map(({ status }) => status)).toEqual([400, 200, 200]);
  });

  test.each([-1, 1])("readChannel(), put() and presign() get over a desk's clock that is %i h wrong", async (hours) => {
    server.put("shop/channels/prod", pointer(1));
    server.clockOffset = hours * 3_600_000;
    expect(await store(server).readChannel("prod")).toBe(pointer(1));
    const blob = local("hello");
    expect(await store(server).put(blob)).toBe("sent");
    // The upload itself went at once: nothing sends a stream a second time.
    expect(server.requests.filter(({ method }) => method === "PUT").map(({ status }) => status)).toEqual([200]);
    const url = await store(server).presign("channels/prod", 60);
    expect(await (await fetch(url)).text()).toBe(pointer(1));
  });

  test("presign() of a desk with a wrong clock and no region finds both before it signs", async () => {
    server.put("shop/channels/prod", pointer(1));
    server.clockOffset = 3_600_000;
    const url = await store(server, { region: undefined }).presign("channels/prod", 60);
    expect((await fetch(url)).status).toBe(200);
  });

  test.each<readonly [string, S3Access & { readonly bucket?: string; readonly key?: object }, string, RegExp]>([
    ["a bucket that is not there", { bucket: "acme-bot" }, "E_STORE_BUCKET", /no bucket acme-bot/],
    ["the wrong owner", { bucketOwner: "999999999999" }, "E_STORE_DENIED", /another account than 999999999999/],
    ["a key that nobody knows", { key: { accessKeyId: "AKIAUNKNOWN" } }, "E_STORE_CREDENTIALS", /InvalidAccessKeyId/],
    ["a wrong secret", { key: { secretAccessKey: "x" } }, "E_STORE_CREDENTIALS", /SignatureDoesNotMatch/],
    ["a session that is none", { key: { sessionToken: "x" } }, "E_STORE_CREDENTIALS", /InvalidToken/],
  ])("readChannel() tells %s", async (_name, { bucket = server.bucket, key = {}, ...access }, code, message) => {
    setAwsCredentials({ ...TEST_KEY, ...key });
    await expect(store({ ...server, bucket }, access).readChannel("prod")).rejects.toMatchObject({
      code,
      message: expect.stringMatching(message),
      hint: expect.stringMatching(/\w/),
    });
  });

  test("readChannel() tells a desk without credentials, naming how to get some", async () => {
    setAwsCredentials(undefined);
    await expect(store(server).readChannel("prod")).rejects.toMatchObject({
      code: "E_STORE_CREDENTIALS",
      hint: expect.stringContaining("aws sso login"),
    });
    expect(server.requests).toEqual([]);
  });

  test("readChannel() tells a missing right, and that a missing object looks the same", async () => {
    server.credentials[0] = { ...TEST_KEY, allow: ["get", "put"] };
    await expect(store(server).readChannel("prod")).rejects.toMatchObject({
      code: "E_STORE_DENIED",
      message: expect.stringMatching(/s3:GetObject on s3:\/\/acme-boot\/shop\/channels\/prod.*or it is not there/),
    });
    server.credentials[0] = { ...TEST_KEY, allow: ["get", "list"] };
    await expect(store(server).moveChannel("prod", pointer(1), undefined)).rejects.toMatchObject({
      code: "E_STORE_DENIED",
      message: expect.stringMatching(/s3:PutObject on s3:\/\/acme-boot\/shop\/channels\/prod/),
    });
  });

  test("readChannel() tells throttling that does not end, and a server that is not there", async () => {
    server.misbehave({ fault: { kind: "status", status: 503 }, times: 99 });
    await expect(store(server).readChannel("prod")).rejects.toMatchObject({
      code: "E_STORE_UNREACHABLE",
      message: expect.stringContaining("SlowDown"),
    });
    await expect(store(server, { endpoint: "http://127.0.0.1:9" }).readChannel("prod")).rejects.toMatchObject({
      code: "E_STORE_UNREACHABLE",
      message: expect.stringContaining("127.0.0.1:9"),
    });
  });

  test.each<readonly [string, Fault]>([
    ["truncated", { kind: "truncate", after: 2 }],
    ["swapped", { kind: "swap", key: "shop/other" }],
    ["changed", { kind: "change", body: () => Buffer.from("hellO") }],
    ["endless", { kind: "endless" }],
  ])("get() never gives bytes that are %s", async (_name, fault) => {
    const blob = local("hello");
    await store(server).put(blob);
    server.put("shop/other", "other");
    server.misbehave({ fault, method: "GET" });
    await expect(store(server).get(blob)).rejects.toMatchObject({
      code: expect.stringMatching(/^E_STORE_(DAMAGED|UNREACHABLE)$/),
    });
  });

  test("put() refuses more than S3 takes in one piece before it asks anything", async () => {
    const blob = { ...local("x"), bytes: 5 * 1024 ** 3 + 1 };
    await expect(store(server).put(blob)).rejects.toMatchObject({ code: "E_BLOB_SIZE" });
    expect(server.requests).toEqual([]);
  });

  test.each<readonly [string, (file: string) => void]>([
    ["is cut", (file) => truncateSync(file, 300_000)],
    ["is written to", (file) => writeFileSync(file, "y".repeat(8_000_000))],
  ])("put() tells a file that %s while it is sent, and nothing of it is seen", async (_name, change) => {
    const blob = local("x".repeat(8_000_000));
    let told = false;
    const onBytes = (): void => {
      if (!told) change(blob.file);
      told = true;
    };
    await expect(store(server).put(blob, onBytes)).rejects.toMatchObject({ code: "E_STORE_DAMAGED" });
    expect([...server.objects.keys()]).toEqual([]);
  });

  test("put() tells a bucket that is not there", async () => {
    await expect(store({ ...server, bucket: "acme-bot" }).put(local("x"))).rejects.toMatchObject({
      code: "E_STORE_BUCKET",
    });
  });

  test("put() tells a file that is gone", async () => {
    await expect(store(server).put({ ...local("x"), file: join(home, "gone") })).rejects.toMatchObject({
      code: "ENOENT",
    });
  });

  test.each([
    ["path style", {}],
    ["virtual-host style", { pathStyle: false }],
  ])("presign() makes a URL that needs no credentials and runs out, %s", async (_name, access) => {
    const key = { ...TEST_KEY, sessionToken: "a/session+token=" };
    server.credentials[0] = key;
    setAwsCredentials(key);
    await store(server).moveChannel("prod", pointer(1), undefined);
    const url = await store(server, { ...access, endpoint: `http://localhost:${server.port}` }).presign(
      "channels/prod",
      60,
    );
    setAwsCredentials(undefined);
    // curl knows that names below localhost are this computer.
    const get = async () =>
      (await promisify(execFile)("curl", ["-s", "-o", join(home, "got"), "-w", "%{http_code}", url])).stdout;
    expect(await get()).toBe("200");
    server.clockOffset = 61_000;
    expect(await get()).toBe("403");
  });

  test("presignGet() makes the URL of AWS's published example, and regional ones at AWS", async () => {
    // "Authenticating Requests: Using Query Parameters", Amazon S3 API Reference.
    const credentials = {
      accessKeyId: "AKIAIOSFODNN7EXAMPLE",
      secretAccessKey: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
    };
    const url = (access: S3Access, region: string) =>
      presignGet(
        new S3Client({ region, credentials }),
        s3Settings("s3://examplebucket", access),
        "test.txt",
        86_400,
        new Date("2013-05-24T00:00:00Z"),
      );
    const example = await url({ endpoint: "https://s3.amazonaws.com", pathStyle: false }, "us-east-1");
    expect(example).toMatch(
      /^https:\/\/examplebucket\.s3\.amazonaws\.com\/test\.txt\?X-Amz-Algorithm=AWS4-HMAC-SHA256&/,
    );
    expect(new URL(example).searchParams.get("X-Amz-Signature")).toBe(
      "aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404",
    );
    expect(new URL(await url({}, "eu-west-1")).host).toBe("examplebucket.s3.eu-west-1.amazonaws.com");
    expect(new URL(await url({}, "cn-north-1")).host).toBe("examplebucket.s3.cn-north-1.amazonaws.com.cn");
  });

  test("has() tells a missing right in words, though S3 answers a HEAD without any", async () => {
    server.credentials[0] = { ...TEST_KEY, allow: ["put", "list"] };
    await expect(store(server).has(local("x"))).rejects.toMatchObject({
      code: "E_STORE_DENIED",
      message: expect.stringMatching(
        /^S3 refuses s3:GetObject on s3:\/\/acme-boot\/shop\/artifacts\/[0-9a-f]{64} \(HTTP 403\): the right is missing, or/,
      ),
    });
  });

  test("prints nothing by itself on Node 20", async () => {
    const warned: unknown[] = [];
    const onWarning = (warning: unknown): void => void warned.push(warning);
    process.on("warning", onWarning);
    await openStore("s3://acme-boot/shop", "/", { endpoint: server.url, region: server.region }).readChannel("prod");
    await new Promise((resolve) => setImmediate(resolve));
    process.off("warning", onWarning);
    expect(warned).toEqual([]);
  });
});

import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { createServer as createSecure } from "node:https";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { afterEach, beforeAll, describe, expect, test } from "vitest";
import type { PointerBlob } from "../../src/deploy/pointer.ts";
import { presignGet } from "../../src/store/s3-presign.ts";
import { s3Client } from "../../src/store/s3-sdk.ts";
import type { Fault } from "../support/aws/s3-misbehaviour.ts";
import { type S3Request, TEST_KEY } from "../support/aws/s3-server.ts";
import { certify } from "../support/certificates.ts";
import { ensureDebianPackages } from "../support/debian.ts";
import { type S3Rig, useS3Rigs } from "../support/s3-rig.ts";
import { ended, SHELLS } from "../support/stage1-rig.ts";
import { until } from "../support/until.ts";

const start = useS3Rigs(afterEach);
beforeAll(() => ensureDebianPackages(["curl", ...SHELLS.map((shell) => shell.package)]));

const BLOB = /bundles/;
/** Hexadecimal, which gzip halves: about 200 KB. */
const noise = (): string => randomBytes(200_000).toString("hex");

/** A machine whose channel points to a bundle of about 200 KB; it has a minute for fetching. */
async function bigRig(conf: Readonly<Record<string, string>> = {}): Promise<{ rig: S3Rig; bundle: PointerBlob }> {
  const rig = await start();
  rig.follow({ deadline: "60", ...conf });
  const bundle = rig.putBundle("one", "good", { "services/web/noise": noise() });
  rig.point(bundle);
  rig.publish();
  return { rig, bundle };
}

const blobs = (asked: readonly S3Request[]): readonly S3Request[] => asked.filter(({ key }) => BLOB.test(key));
const ranges = (asked: readonly S3Request[]): readonly (string | undefined)[] =>
  blobs(asked).map(({ headers }) => headers.range);

describe.each(SHELLS)("stage1 under $name", ({ argv }) => {
  test("goes on where a download broke off, and sends for no byte twice", async () => {
    const { rig, bundle } = await bigRig();
    rig.s3.misbehave({ key: BLOB, fault: { kind: "truncate", after: 70_000 } });
    rig.s3.misbehave({ key: BLOB, fault: { kind: "truncate", after: 30_000 } });
    const { code, stderr } = await rig.run(argv);
    const asked = blobs(rig.asked());
    expect({ code, ranges: ranges(asked), stderr }).toMatchObject({
      code: 0,
      ranges: [undefined, "bytes=70000-", "bytes=100000-"],
    });
    expect(asked.map(({ sent }) => sent)).toEqual([70_000, 30_000, bundle.bytes - 100_000]);
    expect(asked[1]?.headers.authorization).toContain("SignedHeaders=host;range;");
    expect(rig.marks()).toEqual(["one"]);
  });

  test("goes on with what a killed run left of a download", async () => {
    const { rig, bundle } = await bigRig();
    let open = (): void => {};
    const gate = new Promise<void>((resolve) => {
      open = resolve;
    });
    rig.s3.misbehave({ key: BLOB, fault: { kind: "gate", after: 65_536, open: gate } });
    const part = join(rig.state, "tmp", `${bundle.digest}.part`);
    const killed = rig.start(argv);
    await until(() => existsSync(part) && statSync(part).size === 65_536);
    process.kill(-(killed.pid ?? 0), "SIGKILL");
    // Nothing ended before the kill: what had come by then was on the disk.
    expect((await ended(killed)).stderr).not.toContain("timed out");
    open();
    rig.asked();
    expect(await rig.run(argv)).toMatchObject({ code: 0 });
    expect(ranges(rig.asked())).toEqual(["bytes=65536-"]);
    expect(existsSync(part)).toBe(false);
  });

  test("fetches artifacts four at a time, and those that can be had also when one is missing", async () => {
    const rig = await start();
    const artifacts = Array.from({ length: 9 }, (_, at) => `artifact ${at} `.repeat(1000));
    const digests = artifacts.map((text) => createHash("sha256").update(text).digest("hex"));
    const list = digests.map((digest, at) => `${digest} ${artifacts[at]?.length} any\n`).join("");
    rig.follow({ deadline: "30" });
    rig.point(rig.putBundle("one", "good", { "artifacts.list": list }));
    rig.publish();
    for (const [at, text] of artifacts.entries()) if (at !== 8) rig.s3.put(`shop/artifacts/${digests[at]}`, text);
    let open = (): void => {};
    const gate = new Promise<void>((resolve) => {
      open = resolve;
    });
    rig.s3.misbehave({ key: /artifacts/, fault: { kind: "gate", after: 1, open: gate }, times: 9 });
    const child = rig.start(argv);
    let said = "";
    child.stderr?.on("data", (text) => {
      said += text;
    });
    const run = ended(child);
    await until(() => rig.s3.requests.filter(({ key }) => key.includes("artifacts")).length >= 4);
    // Each of the processes says what it gets before it asks, and no answer has ended yet.
    expect(said.match(/getting artifacts/g)).toHaveLength(4);
    open();
    expect(await run).toMatchObject({
      code: 5,
      stderr: expect.stringContaining(`artifacts/${digests[8]} is not there`),
    });
    expect(readdirSync(join(rig.state, "artifacts")).sort()).toEqual(digests.filter((_, at) => at !== 8).sort());
    rig.s3.put(`shop/artifacts/${digests[8]}`, artifacts[8] ?? "");
    rig.asked();
    expect(await rig.run(argv)).toMatchObject({ code: 0 });
    expect(rig.asked().map(({ key }) => key.split("/")[1])).toEqual(["channels", "artifacts"]);
    for (const [at, digest] of digests.entries()) {
      expect(readFileSync(join(rig.state, "artifacts", digest), "utf8")).toBe(artifacts[at]);
    }
  });
});

describe.each(SHELLS)("stage1 under $name that is ended while artifacts come", ({ argv }) => {
  test("takes those processes with it, and the next run finds the lock free", async () => {
    const rig = await start();
    const artifacts = ["a", "b", "c"].map((text) => text.repeat(20_000));
    const digests = artifacts.map((text) => createHash("sha256").update(text).digest("hex"));
    rig.follow({ deadline: "12" });
    const list = digests.map((digest) => `${digest} 20000 any\n`).join("");
    rig.point(rig.putBundle("one", "good", { "artifacts.list": list }));
    rig.publish();
    for (const [at, text] of artifacts.entries()) rig.s3.put(`shop/artifacts/${digests[at]}`, text);
    const never = new Promise<void>(() => {});
    rig.s3.misbehave({ key: /artifacts/, fault: { kind: "gate", after: 8192, open: never }, times: 3 });
    const child = rig.start(argv);
    await until(() => digests.every((digest) => sizeOf(join(rig.state, "tmp", `${digest}.part`)) === 8192));
    // As systemd does with KillMode=process: the one process and no other.
    process.kill(child.pid ?? 0, "SIGTERM");
    await new Promise((resolve) => child.once("exit", resolve));
    rig.asked();
    expect(await rig.run(argv)).toMatchObject({ code: 0 });
    expect(rig.asked().map(({ headers }) => headers.range)).toEqual([
      undefined,
      "bytes=8192-",
      "bytes=8192-",
      "bytes=8192-",
    ]);
    for (const [at, digest] of digests.entries()) {
      expect(readFileSync(join(rig.state, "artifacts", digest), "utf8")).toBe(artifacts[at]);
    }
  });
});

describe("stage1", () => {
  const FAULTS: readonly (readonly [string, Fault, readonly (string | undefined)[]])[] = [
    ["answers 500", { kind: "status", status: 500 }, [undefined, undefined]],
    ["answers 503 SlowDown", { kind: "status", status: 503 }, [undefined, undefined]],
    ["answers 400 RequestTimeout", { kind: "status", status: 400, code: "RequestTimeout" }, [undefined, undefined]],
    ["resets the connection at once", { kind: "reset", after: 0 }, [undefined, undefined]],
    ["ends the connection in the middle", { kind: "truncate", after: 1000 }, [undefined, "bytes=1000-"]],
    ["tells a length that is too small", { kind: "length", by: -1000 }, [undefined, "bytes=REST-"]],
    ["tells a length that is too big", { kind: "length", by: 1000 }, [undefined]],
    ["sends other bytes of the same length", { kind: "change", body: flip }, [undefined, undefined]],
    ["sends another object", { kind: "swap", key: "shop/channels/prod" }, [undefined, "bytes=SHORT-", undefined]],
  ];
  test.each(FAULTS)("ends well when the store once %s", async (_name, fault, expected) => {
    const { rig, bundle } = await bigRig();
    rig.s3.misbehave({ key: BLOB, fault });
    expect(await rig.run()).toMatchObject({ code: 0 });
    const pointer = rig.s3.objects.get("shop/channels/prod")?.body.length;
    const right = expected.map((range) =>
      range?.replace("REST", `${bundle.bytes - 1000}`).replace("SHORT", `${pointer}`),
    );
    expect(ranges(rig.asked())).toEqual(right);
    expect(rig.marks()).toEqual(["one"]);
  });

  test("goes on after a reset in the middle", async () => {
    const { rig, bundle } = await bigRig();
    rig.s3.misbehave({ key: BLOB, fault: { kind: "reset", after: 150_000 } });
    expect(await rig.run()).toMatchObject({ code: 0 });
    // How much of it was delivered before the reset is the network's business.
    const [first, second] = blobs(rig.asked());
    const from = Number(/bytes=(\d+)-/.exec(second?.headers.range ?? "bytes=0-")?.[1]);
    expect({ first: first?.sent, second: second?.sent }).toEqual({ first: 150_000, second: bundle.bytes - from });
  });

  test.each([
    ["takes the connection and never answers", { kind: "silent" } as const],
    ["stops in the middle of the answer", { kind: "gate", after: 1000, open: new Promise<void>(() => {}) } as const],
  ])("gives a store that %s a third of its time", async (_name, fault) => {
    const { rig } = await bigRig({ deadline: "9" });
    rig.s3.misbehave({ key: BLOB, fault });
    expect(await rig.run()).toMatchObject({
      code: 0,
      stderr: expect.stringMatching(/timed out: .*trying again in 1 s/),
    });
    expect(ranges(rig.asked())).toEqual([undefined, fault.kind === "gate" ? "bytes=1000-" : undefined]);
  });

  test("never unpacks what stays wrong, and runs the last good bundle", async () => {
    const { rig } = await bigRig();
    await rig.run();
    rig.point(rig.putBundle("two", "good", { "services/web/noise": noise() }));
    rig.publish();
    rig.s3.misbehave({ key: BLOB, fault: { kind: "change", body: flip }, times: 99 });
    const { code, stderr } = await rig.run();
    expect({ code, stderr }).toMatchObject({ code: 0, stderr: expect.stringContaining("it is damaged") });
    expect(rig.marks()).toEqual(["one", "one"]);
    expect(readdirSync(join(rig.state, "bundles"))).toHaveLength(1);
  });

  test("asks for the rest of what is too short, starts over after a 416, and gives up with the length", async () => {
    const { rig, bundle } = await bigRig();
    const key = `shop/bundles/${bundle.digest}.tar.gz`;
    rig.s3.put(key, (rig.s3.objects.get(key)?.body ?? Buffer.alloc(0)).subarray(0, 1000));
    const { code, stderr } = await rig.run();
    expect({ code, stderr }).toEqual({ code: 5, stderr: expect.stringContaining("it is damaged: 1000 bytes") });
    const asked = blobs(rig.asked());
    expect(asked.map(({ headers, status }) => `${headers.range} ${status}`)).toEqual([
      "undefined 200",
      "bytes=1000- 416",
      "undefined 200",
      "undefined 200",
    ]);
  });

  test("throws a part away that is not the beginning of what is there", async () => {
    const { rig, bundle } = await bigRig();
    await rig.run();
    const next = rig.putBundle("two", "good", { "services/web/noise": noise() });
    rig.point(next);
    rig.publish();
    rig.asked();
    writeFileSync(join(rig.state, "tmp", `${next.digest}.part`), "rubbish".repeat(1000));
    expect(await rig.run()).toMatchObject({ code: 0 });
    expect(ranges(rig.asked())).toEqual(["bytes=7000-", undefined]);
    expect(rig.marks()).toEqual(["one", "two"]);
    expect(bundle.digest).not.toBe(next.digest);
  });

  test.each([
    ["longer than the whole", 900_000],
    ["as long as the whole, and wrong", 0],
  ])("throws a part away that is %s, before it asks", async (_name, bytes) => {
    const { rig, bundle } = await bigRig();
    await rig.run();
    const next = rig.putBundle("two", "good", { "services/web/noise": noise() });
    rig.point(next);
    rig.publish();
    rig.asked();
    writeFileSync(join(rig.state, "tmp", `${next.digest}.part`), Buffer.alloc(bytes || next.bytes));
    expect(await rig.run()).toMatchObject({ code: 0 });
    expect(ranges(rig.asked())).toEqual([undefined]);
    expect(bundle.digest).not.toBe(next.digest);
  });

  test.each([
    ["sends the whole where a part was asked for", 200, 0],
    ["sends another part than was asked for", 206, 40_000],
    ["sends a part without saying which", 206, undefined],
  ])("ends well when a store behind HTTP %s", async (_name, status, from) => {
    const { rig } = await bigRig();
    const seen: (string | undefined)[] = [];
    const server = createServer((request, response) => {
      const body = rig.s3.objects.get(`shop${request.url}`)?.body ?? Buffer.alloc(0);
      seen.push(request.headers.range);
      if (seen.length === 2) {
        // The first answer for the bundle breaks off.
        response.writeHead(200, { "content-length": `${body.length}` });
        return void response.write(body.subarray(0, 50_000), () => response.socket?.end());
      }
      const range = { "content-range": `bytes ${from}-${body.length - 1}/${body.length}` };
      if (seen.length === 3) response.writeHead(status, status === 206 && from !== undefined ? range : {});
      response.end(seen.length === 3 ? body.subarray(from ?? 50_000) : body);
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    rig.writeConf({ store: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, deadline: "30" });
    const { code, stderr } = await rig.run();
    server.closeAllConnections();
    server.close();
    expect({ code, stderr }).toMatchObject({ code: 0 });
    // What it was not asked for is not used, and neither is what came before.
    expect(seen).toEqual([undefined, undefined, "bytes=50000-", ...(status === 206 ? [undefined] : [])]);
    expect(stderr).not.toContain("damaged");
  });

  test("names the machine's clock where no certificate can be valid by it", async () => {
    const rig = await start();
    const folder = join(rig.home, "clock");
    mkdirSync(folder);
    const { authority, ...own } = certify(folder, "store.example");
    const server = createSecure(own).listen(0, "127.0.0.1");
    await once(server, "listening");
    writeFileSync(
      join(folder, "date"),
      `#!/bin/dash\nfor last; do :; done\nexec /usr/bin/date -u -d @86400 "$last"\n`,
      { mode: 0o755 },
    );
    rig.follow({ endpoint: `https://localhost:${(server.address() as AddressInfo).port}`, deadline: "1" });
    const { code, stderr } = await rig.run(["sh"], [], {
      PATH: `${folder}:${process.env.PATH}`,
      CURL_CA_BUNDLE: authority,
    });
    server.close();
    expect({ code, stderr }).toEqual({
      code: 5,
      stderr: expect.stringContaining(
        "this machine's clock says 1970-01-02, no certificate is valid then: set the clock",
      ),
    });
  });

  test("waits as long as Retry-After says, up to a minute and the deadline", async () => {
    const { rig } = await bigRig();
    const slow = (seconds: number) =>
      ({ fault: { kind: "status", status: 503, headers: { "retry-after": `${seconds}` } } }) as const;
    rig.s3.misbehave(slow(3));
    const { stderr } = await rig.run();
    expect(stderr).toContain("answered HTTP 503 SlowDown; trying again in 3 s");
    const [first, second] = rig.asked();
    expect((second?.at ?? 0) - (first?.at ?? 0)).toBeGreaterThanOrEqual(3000);
    rig.s3.misbehave(slow(86_400));
    rig.follow({ deadline: "30" });
    expect(await rig.run()).toMatchObject({ code: 0, stderr: expect.stringContaining("going on with bundle") });
    expect(rig.asked()).toHaveLength(1);
  });

  test("waits longer each time, and stops at the deadline", async () => {
    const { rig } = await bigRig({ deadline: "8" });
    rig.s3.misbehave({ fault: { kind: "status", status: 503 }, times: 99 });
    const { code, stderr } = await rig.run();
    expect(code).toBe(5);
    const waits = [...stderr.matchAll(/trying again in (\d+) s/g)].map(([, seconds]) => Number(seconds));
    expect(waits.slice(0, 2)).toEqual([1, 2]);
    const asked = rig.asked();
    expect(asked).toHaveLength(waits.length + 1);
    for (const [at, wait] of waits.entries()) {
      expect((asked[at + 1]?.at ?? 0) - (asked[at]?.at ?? 0)).toBeGreaterThanOrEqual(wait * 1000);
    }
  });
});

describe("stage1 with auth=presigned", () => {
  const presign = async (rig: S3Rig, keys: readonly string[], seconds = 600, now = new Date()): Promise<void> => {
    const settings = { bucket: rig.s3.bucket, prefix: "shop/", endpoint: rig.s3.url, pathStyle: true };
    const client = await s3Client(settings, rig.s3.region);
    client.config.credentials = async () => TEST_KEY;
    const lines = keys.map(
      async (key) => `${key} ${await presignGet(client, settings, `shop/${key}`, seconds, now)}\n`,
    );
    rig.writeKeysFile((await Promise.all(lines)).join(""));
    rig.follow({ auth: "presigned", deadline: "20" });
  };

  test("fetches by the addresses in the keys file, and goes on where one broke off", async () => {
    const { rig, bundle } = await bigRig();
    await presign(rig, ["channels/prod", `bundles/${bundle.digest}.tar.gz`]);
    rig.s3.misbehave({ key: BLOB, fault: { kind: "truncate", after: 1000 } });
    const { code, stderr } = await rig.run();
    expect(code).toBe(0);
    expect(ranges(rig.asked())).toEqual([undefined, "bytes=1000-"]);
    expect(stderr).not.toMatch(/X-Amz|AKIA/);
  });

  test("says which address is missing", async () => {
    const { rig, bundle } = await bigRig();
    await presign(rig, ["channels/prod"]);
    expect(await rig.run()).toMatchObject({
      code: 5,
      stderr: expect.stringMatching(
        new RegExp(`no address for bundles/${bundle.digest}.tar.gz: presigned addresses are for one`),
      ),
    });
  });

  test("says that an address ran out, and shows nothing of its query", async () => {
    const { rig } = await bigRig();
    await presign(rig, ["channels/prod"], 60, new Date(Date.now() - 3600_000));
    const { code, stderr } = await rig.run();
    expect({ code, stderr }).toEqual({
      code: 5,
      stderr: expect.stringMatching(/the presigned address ran out \(HTTP 403/),
    });
    expect(stderr).not.toMatch(/X-Amz|AKIA/);
    expect(rig.asked()).toHaveLength(1);
  });
});

function sizeOf(file: string): number {
  return existsSync(file) ? statSync(file).size : 0;
}

function flip(right: Buffer): Buffer {
  const wrong = Buffer.from(right);
  wrong[wrong.length >> 1] = (wrong[wrong.length >> 1] ?? 0) ^ 1;
  return wrong;
}

import { execFileSync, spawnSync } from "node:child_process";
import { chmodSync, chownSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { afterEach, beforeAll, describe, expect, test } from "vitest";
import { TEST_KEY } from "../support/aws/s3-server.ts";
import { ensureDebianPackages } from "../support/debian.ts";
import { useS3Rigs } from "../support/s3-rig.ts";
import { SHELLS } from "../support/stage1-rig.ts";

const start = useS3Rigs(afterEach);
beforeAll(() => ensureDebianPackages(["curl", ...SHELLS.map((shell) => shell.package)]));

const OTHER = { accessKeyId: "AKIAOTHEROTHEROTHER1", secretAccessKey: "another/secret" };
const GET_ONLY = { ...TEST_KEY, allow: ["get"] as const };

describe.each(SHELLS)("stage1 under $name with a store in S3", ({ argv }) => {
  test("boots from a private bucket, and a boot with nothing new makes one request", async () => {
    const rig = await start();
    rig.point(rig.putBundle("one"));
    rig.publish();
    expect(await rig.run(argv)).toMatchObject({ code: 0 });
    expect(rig.asked().map(({ key, status }) => `${key.split("/").slice(0, 2).join("/")} ${status}`)).toEqual([
      "shop/channels 200",
      "shop/bundles 200",
    ]);
    expect(await rig.run(argv)).toEqual({ code: 0, signal: null, stderr: "" });
    expect(rig.asked()).toHaveLength(1);
    expect(rig.marks()).toEqual(["one", "one"]);
  });

  test("shows no secret in any process's arguments or environment, and none in what it says", async () => {
    const session = { ...TEST_KEY, sessionToken: "FwoGZXIvYXdzEXAMPLE/session+token==" };
    const rig = await start({ credentials: [session] });
    rig.writeKeys(session);
    rig.point(rig.putBundle("one"));
    rig.publish();
    rig.s3.misbehave({ fault: { kind: "status", status: 503 } });
    rig.follow({ deadline: "20" });
    const folder = join(rig.home, "seen");
    mkdirSync(folder);
    const log = join(rig.home, "processes");
    for (const tool of ["cat", "curl", "date", "find", "head", "od", "openssl", "printf", "rm", "sha256sum", "sleep"]) {
      const real = execFileSync("sh", ["-c", `PATH=/usr/bin:/bin command -v ${tool}`, "sh"])
        .toString()
        .trim();
      // Where the shell has it built in, it says only its name.
      const path = real.startsWith("/") ? real : `/usr/bin/${tool}`;
      const text = `#!/bin/dash\n{ echo "${tool}: $*"; /usr/bin/tr '\\0' '\\n' </proc/$$/environ; } >>"${log}"\nexec ${path} "$@"\n`;
      writeFileSync(join(folder, tool), text);
      chmodSync(join(folder, tool), 0o755);
    }
    const { code, stderr } = await rig.run(argv, [], { PATH: `${folder}:${process.env.PATH}` });
    expect({ code, stderr }).toMatchObject({ code: 0, stderr: expect.stringContaining("SlowDown") });
    const seen = readFileSync(log, "utf8");
    // At least the three requests and what they were signed with, else the shims were not in the way.
    expect(seen.match(/^curl: /gm)).toHaveLength(3);
    expect(seen.match(/^sha256sum: /gm)?.length).toBeGreaterThan(15);
    expect(seen + stderr).not.toMatch(
      /test\/secret|EXAMPLE\/session|AWS4-HMAC|Signature=|AKIATEST|channels\/prod HTTP|x-amz/,
    );
  });
});

describe("stage1 with a store in S3", () => {
  test("asks by virtual host where path-style=no", async () => {
    const rig = await start();
    rig.follow({ endpoint: `http://localhost:${rig.s3.port}`, "path-style": "no" });
    rig.point(rig.putBundle("one"));
    rig.publish();
    expect(await rig.run()).toMatchObject({ code: 0 });
    const [first] = rig.asked();
    expect(first).toMatchObject({
      target: "/shop/channels/prod",
      headers: { host: `acme-boot.localhost:${rig.s3.port}` },
    });
  });

  test.each(["", "shop/", "a/b.c/d_e/", "with blank/+plus=%41/"])(
    "finds its objects below the prefix %j",
    async (prefix) => {
      const rig = await start();
      rig.follow({ store: `s3://${rig.s3.bucket}/${prefix}` });
      rig.point(rig.putBundle("one"));
      rig.publish(prefix);
      expect(await rig.run()).toMatchObject({ code: 0 });
      expect(rig.asked()[0]?.key).toBe(`${prefix}channels/prod`);
    },
  );

  test.each([
    ["another region", "ap-southeast-2"],
    ["no region", ""],
  ])("signs anew for the bucket's region when boot.conf names %s, once a run", async (_name, region) => {
    const rig = await start();
    rig.follow({ region });
    rig.point(rig.putBundle("one"));
    rig.publish();
    expect(await rig.run()).toMatchObject({ code: 0 });
    expect(rig.asked().map(({ status }) => status)).toEqual([400, 200, 200]);
  });

  test.each([301, 307] as const)("takes the region from a %d that it does not follow itself", async (status) => {
    const rig = await start();
    const thief = await listen();
    rig.s3.misbehave({
      fault: { kind: "redirect", status, region: rig.s3.region, location: `${thief.url}/shop/channels/prod` },
    });
    rig.follow({ region: "us-east-1" });
    rig.point(rig.putBundle("one"));
    rig.publish();
    expect(await rig.run()).toMatchObject({ code: 0 });
    expect(rig.asked().map((request) => request.status)).toEqual([status, 200, 200]);
    expect(thief.asked).toEqual([]);
    await thief.close();
  });

  test("ends, with the region that the store names, when that is no help", async () => {
    const rig = await start();
    rig.s3.misbehave({ fault: { kind: "redirect", status: 301, region: "eu-north-1" }, times: 9 });
    rig.follow({ deadline: "30" });
    expect(await rig.run()).toMatchObject({
      code: 5,
      stderr: expect.stringMatching(/not in region eu-north-1 \(HTTP 301 PermanentRedirect\).*check region=/),
    });
    expect(rig.asked()).toHaveLength(2);
  });

  test.each([
    ["slow", 2 * 3600_000],
    ["fast", -30 * 24 * 3600_000],
  ])("signs with the store's time when the machine's clock is %s, found out once a run", async (_name, offset) => {
    const rig = await start();
    rig.s3.clockOffset = offset;
    rig.point(rig.putBundle("one"));
    rig.publish();
    expect(await rig.run()).toMatchObject({ code: 0 });
    expect(rig.asked().map(({ status }) => status)).toEqual([403, 200, 200]);
  });

  test("does not take an access that is denied for a wrong clock", async () => {
    const rig = await start({ credentials: [GET_ONLY] });
    await rig.run();
    expect(rig.asked()).toHaveLength(1);
  });

  test.each([
    ["a missing pointer, when it may list", {}, {}, /is not there \(HTTP 404 NoSuchKey\): was something deployed/],
    [
      "a missing pointer, when it may not list",
      {},
      { credentials: [GET_ONLY] },
      /is not there, or may not be read \(HTTP 403 AccessDenied\): S3 tells the two apart only to who has s3:ListBucket.*the key in .*\/etc\/bootlace\/keys has s3:GetObject/,
    ],
    ["another bucket", { store: "s3://acme-bot/shop" }, {}, /there is no bucket acme-bot \(HTTP 404 NoSuchBucket\)/],
    [
      "a key that is not known",
      {},
      { credentials: [OTHER] },
      /key id of the key in .* is not known \(HTTP 403 InvalidAccessKeyId\)/,
    ],
    [
      "a secret of another key",
      {},
      { credentials: [{ ...TEST_KEY, secretAccessKey: "x" }] },
      /signature of the key in .* does not match \(HTTP 403 SignatureDoesNotMatch\)/,
    ],
    [
      "a session that ran out",
      {},
      { credentials: [{ ...TEST_KEY, expired: true }] },
      /session token of the key in .* ran out \(HTTP 400 ExpiredToken\): put a new one into keysfile/,
    ],
    ["another owner", { "bucket-owner": "999988887777" }, {}, /and that account 999988887777 owns the bucket/],
    ["nobody's rights", { auth: "none" }, {}, /that everybody \(auth=none\) has s3:GetObject/],
    ["a bucket that is none", { store: "s3://acme boot/shop" }, {}, /expected s3:\/\/BUCKET\/PREFIX/],
    ["an endpoint that is none", { endpoint: "ftp://127.0.0.1" }, {}, /endpoint: expected http:\/\/HOST/],
    ["an endpoint with a password", { endpoint: "http://u:s3cret@127.0.0.1" }, {}, /^(?!.*s3cret).*nothing more/],
    ["a region that is none", { region: "EU west" }, {}, /region=EU west: expected a name like eu-west-1/],
  ])("explains %s, at once and with a remedy", async (_name, conf, options, message) => {
    const rig = await start(options);
    rig.follow({ deadline: "60", ...conf });
    const { code, stderr } = await rig.run();
    expect({ code, stderr }).toEqual({ code: 5, stderr: expect.stringMatching(message) });
    expect(stderr).not.toMatch(/<|RequestId|trying again/);
    expect(rig.asked().length).toBeLessThanOrEqual(1);
  });

  test("reads a bucket that is public without a signature", async () => {
    const rig = await start({ anonymous: ["get"] });
    rig.follow({ auth: "none", region: "" });
    rig.point(rig.putBundle("one"));
    rig.publish();
    expect(await rig.run()).toMatchObject({ code: 0 });
    expect(rig.asked().map(({ headers }) => headers.authorization)).toEqual([undefined, undefined]);
  });

  test("sends the owner that boot.conf expects, signed", async () => {
    const rig = await start({ owner: "111122223333" });
    rig.follow({ "bucket-owner": "111122223333" });
    rig.point(rig.putBundle("one"));
    rig.publish();
    expect(await rig.run()).toMatchObject({ code: 0 });
    expect(rig.asked()[0]?.headers).toMatchObject({
      "x-amz-expected-bucket-owner": "111122223333",
      authorization: expect.stringContaining("x-amz-expected-bucket-owner"),
    });
  });

  test("never shows what an error document says beyond its code, however long it is", async () => {
    const server = await listen((response) => {
      response.writeHead(403).write(`<Error><Message>\u001b[31mrubbish${"x".repeat(1 << 20)}</Message>`);
      response.end("<Code>Teapot</Code></Error>");
    });
    const rig = await start();
    rig.follow({ endpoint: server.url });
    const { code, stderr } = await rig.run();
    expect({ code, stderr }).toEqual({ code: 5, stderr: expect.stringContaining("may not be read (HTTP 403)") });
    expect(stderr).not.toMatch(/rubbish|xxx|Teapot/);
    await server.close();
  });
});

describe("stage1's keys file", () => {
  test.each([
    ["is readable by others", "", 0o640, /may be read by others: chown root and chmod 600/],
    ["holds no key", "[default]\n# nothing\n", 0o600, /section \[default\] has no aws_access_key_id/],
    [
      "holds another profile only",
      "[prod]\naws_access_key_id=a\naws_secret_access_key=b\n",
      0o600,
      /\[default\] has no/,
    ],
    ["holds a quote", '[default]\naws_access_key_id=a"b\naws_secret_access_key=b\n', 0o600, /\[default\] has no/],
  ])("is refused when it %s", async (_name, text, mode, message) => {
    const rig = await start();
    rig.writeKeysFile(text, mode);
    expect(await rig.run()).toMatchObject({ code: 5, stderr: expect.stringMatching(message) });
    expect(rig.asked()).toEqual([]);
  });

  test("is refused when it is another user's", async () => {
    const rig = await start();
    chownSync(join(rig.root, "etc/bootlace/keys"), 65534, 0);
    expect(await rig.run()).toMatchObject({ code: 5, stderr: expect.stringContaining("chown root and chmod 600") });
    expect(rig.asked()).toEqual([]);
  });

  test("is named when it is not there", async () => {
    const rig = await start();
    rig.follow({ keysfile: "/etc/bootlace/nowhere" });
    expect(await rig.run()).toMatchObject({
      code: 5,
      stderr: expect.stringMatching(/etc\/bootlace\/nowhere is not there/),
    });
  });

  test("may hold other profiles, white space and carriage returns", async () => {
    const rig = await start();
    const { accessKeyId, secretAccessKey } = TEST_KEY;
    rig.writeKeysFile(
      `[a]\r\naws_access_key_id=x\r\n[default]\r\n  aws_access_key_id\t= ${accessKeyId} \r\naws_secret_access_key =${secretAccessKey}\r\n[b]\naws_secret_access_key=x`,
    );
    rig.point(rig.putBundle("one"));
    rig.publish();
    expect(await rig.run()).toMatchObject({ code: 0 });
  });
});

describe.each(SHELLS)("s3_address() of stage1 under $name", ({ argv }) => {
  const AWS = { store: "s3://acme-boot/shop", region: "eu-west-1" };
  test.each([
    ["by virtual host", AWS, "https://acme-boot.s3.eu-west-1.amazonaws.com/shop/channels/prod"],
    [
      "without a prefix",
      { ...AWS, store: "s3://acme-boot" },
      "https://acme-boot.s3.eu-west-1.amazonaws.com/channels/prod",
    ],
    ["in path style", { ...AWS, path_style: "yes" }, "https://s3.eu-west-1.amazonaws.com/acme-boot/shop/channels/prod"],
    [
      "in path style where the bucket has a dot, which the certificate does not cover",
      { ...AWS, store: "s3://acme.boot/shop" },
      "https://s3.eu-west-1.amazonaws.com/acme.boot/shop/channels/prod",
    ],
    [
      "in China",
      { ...AWS, region: "cn-north-1" },
      "https://acme-boot.s3.cn-north-1.amazonaws.com.cn/shop/channels/prod",
    ],
    ["first in us-east-1", { ...AWS, region: "" }, "https://acme-boot.s3.us-east-1.amazonaws.com/shop/channels/prod"],
    [
      "at an endpoint in path style",
      { ...AWS, endpoint: "http://minio:9000" },
      "http://minio:9000/acme-boot/shop/channels/prod",
    ],
    [
      "at an endpoint by virtual host",
      { ...AWS, endpoint: "https://s3.example:443", path_style: "no" },
      "https://acme-boot.s3.example/shop/channels/prod",
    ],
    [
      "at an endpoint with a path",
      { ...AWS, endpoint: "https://gate.example/s3" },
      "https://gate.example/s3/acme-boot/shop/channels/prod",
    ],
  ])("finds an object %s", (_name, settings, address) => {
    const [command = "sh", ...rest] = argv;
    const stage1 = join(import.meta.dirname, "../../stage1");
    const script = `set -uf; . ${stage1}/sigv4; . ${stage1}/s3; s3_address channels/prod && echo "$s3_url"; echo "$why"`;
    const env = { PATH: process.env.PATH, endpoint: "", path_style: "", shown: "", why: "", ...settings };
    const run = spawnSync(command, [...rest, "-c", script], {
      env,
      encoding: "utf8",
      stdio: ["ignore", "pipe", "pipe"],
    });
    expect(run).toMatchObject({ stderr: "", stdout: `${address}\n\n` });
  });
});

/** A server that is asked nothing, or answers what the test says. */
async function listen(answer?: (response: import("node:http").ServerResponse) => void) {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(request.url ?? "");
    if (answer) answer(response);
    else response.end();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const close = (): Promise<void> =>
    new Promise((resolve) => {
      server.closeAllConnections();
      server.close(() => resolve());
    });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked, close };
}

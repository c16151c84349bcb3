import { execFile } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";
import deploy from "../../../src/commands/deploy.ts";
import { parsePointer } from "../../../src/deploy/pointer.ts";
import { rotateKey } from "../../../src/trust/change-keys.ts";
import { signedBy, verifyPointer } from "../../../src/trust/sign-pointer.ts";
import { loadTrust } from "../../../src/trust/trust.ts";
import type { BootlaceError } from "../../../stage2/index.ts";
import { setAwsCredentials, useAwsCredentials } from "../../support/aws/s3-credentials.ts";
import { type S3Server, startS3, TEST_KEY } from "../../support/aws/s3-server.ts";
import { startDesk } from "../../support/desk.ts";
import { useShop } from "./shop.ts";

const shop = useShop();
useAwsCredentials();
const inStore = (path: string): string => join(shop().dir, ".bootlace/store", path);
const pointerText = (channel = "prod"): string => readFileSync(inStore(`channels/${channel}`), "latin1");
/** Makes `text` what the folder store believes to be the newest, as somebody who can write there would. */
const forge = (text: string, entry = "00000001.000000000000001"): void => {
  mkdirSync(inStore("channels/.log/prod"), { recursive: true });
  writeFileSync(inStore(`channels/.log/prod/${entry}`), text);
  writeFileSync(inStore("channels/prod"), text);
};

describe("bootlace deploy", () => {
  test("sends the bundle and moves the channel, once, until the project changes", async () => {
    expect(await shop().run(deploy, ["prod"], { plan: true })).toMatchObject({ moves: true, planned: true, serial: 1 });
    expect(existsSync(inStore(""))).toBe(false);
    const first = await shop().run(deploy, ["prod"]);
    expect(first).toMatchObject({ move: "moved", serial: 1 });
    expect(readdirSync(inStore("bundles"))).toEqual([`${first.bundle}.tar.gz`]);
    expect(await shop().run(deploy, ["prod"])).toMatchObject({ move: "none", serial: 1, bundle: first.bundle });
    shop().write("false");
    expect(await shop().run(deploy, ["prod"])).toMatchObject({ move: "moved", serial: 2 });
  });

  test("shows machines the move of a publisher who was killed before they could see it", async () => {
    await shop().run(deploy, ["prod"]);
    const before = pointerText();
    shop().write("false");
    await shop().run(deploy, ["prod"]);
    const after = pointerText();
    writeFileSync(inStore("channels/prod"), before);
    expect(await shop().run(deploy, ["prod"])).toMatchObject({ move: "none", serial: 2 });
    expect(pointerText()).toBe(after);
  });

  test("signs the pointer with the project's key, good for boot.lifetime", async () => {
    shop().write("true", "boot: {lifetime: 48h}\n");
    await shop().run(deploy, ["prod"]);
    const { keys } = await loadTrust(shop().dir);
    const { created, expires } = verifyPointer(pointerText(), keys);
    expect(expires).toBe(created + 48 * 3600);
  });

  test("needs a key before it sends anything", async () => {
    rmSync(join(shop().dir, "trust"), { recursive: true });
    await expect(shop().run(deploy, ["prod"])).rejects.toMatchObject({ code: "E_NO_KEY" });
    expect(existsSync(inStore(""))).toBe(false);
  });

  test("needs the private half of the key before it sends anything; --plan does not", async () => {
    rmSync(process.env.BOOTLACE_KEYS ?? "", { recursive: true });
    expect(await shop().run(deploy, ["prod"], { plan: true })).toMatchObject({ moves: true });
    await expect(shop().run(deploy, ["prod"])).rejects.toMatchObject({ code: "E_KEY_MISSING" });
    expect(existsSync(inStore(""))).toBe(false);
  });

  test("renews the pointer when the keys of the project changed", async () => {
    await shop().run(deploy, ["prod"]);
    await rotateKey(shop().dir);
    const { keys } = await loadTrust(shop().dir);
    // The new key travels in the bundle, so that moves too; after that only signatures count.
    expect(await shop().run(deploy, ["prod"])).toMatchObject({ serial: 2 });
    expect(new Set(signedBy(pointerText()))).toEqual(new Set(keys.map(({ id }) => id)));
    expect(await shop().run(deploy, ["prod"])).toMatchObject({ move: "none", serial: 2 });
  });

  test.each([
    ["is not signed", (text: string) => text.replace(/^sig .*\n/m, "")],
    ["was changed after it was signed", (text: string) => text.replace("serial=1\n", "serial=7\n")],
    ["is no pointer", () => "rubbish\n"],
  ])("refuses to go on from a pointer that %s; --replace publishes over it", async (_name, change) => {
    await shop().run(deploy, ["prod"]);
    forge(change(pointerText()));
    shop().write("false");
    await expect(shop().run(deploy, ["prod"])).rejects.toMatchObject({
      code: "E_POINTER_SIGNATURE",
      hint: expect.stringContaining("deploy prod --replace"),
    });
    expect(await shop().run(deploy, ["prod"], { replace: true })).toMatchObject({ move: "replaced" });
    const { keys } = await loadTrust(shop().dir);
    expect(verifyPointer(pointerText(), keys).bundle.digest).toBe((await shop().run(deploy, ["prod"])).bundle);
  });

  test("--replace uses no number again, so that machines which took an unsigned pointer go on too", async () => {
    await shop().run(deploy, ["prod"]);
    forge(pointerText().replace(/^sig .*\n/m, ""));
    expect(await shop().run(deploy, ["prod"], { replace: true })).toMatchObject({ serial: 2 });
  });

  test("--replace numbers from what the project signed, not from a forged number however high", async () => {
    await shop().run(deploy, ["prod"]);
    forge(pointerText().replace("serial=1\n", "serial=999999999999999\n"), "00000001.999999999999999");
    shop().write("false");
    expect(await shop().run(deploy, ["prod"], { replace: true })).toMatchObject({ serial: 2 });
    expect(parsePointer(pointerText()).serial).toBe(2);
    shop().write("echo");
    expect(await shop().run(deploy, ["prod"])).toMatchObject({ move: "moved", serial: 3 });
  });

  test("refuses a pointer of the same project that somebody copied from another channel", async () => {
    await shop().run(deploy, ["beta"]);
    forge(pointerText("beta"));
    await expect(shop().run(deploy, ["prod"])).rejects.toMatchObject({
      code: "E_POINTER_SIGNATURE",
      message: expect.stringContaining("for channel beta of project shop"),
    });
  });

  test("--from points to the very bundle of another channel, whatever the project is by now", async () => {
    const { bundle } = await shop().run(deploy, ["beta"]);
    shop().write("false");
    const promoted = await shop().run(deploy, ["prod"], { from: "beta" });
    expect(promoted).toMatchObject({ bundle, serial: 1, from: "beta" });
    expect(readdirSync(inStore("bundles"))).toHaveLength(1);
    await expect(shop().run(deploy, ["prod"], { from: "gamma" })).rejects.toMatchObject({ code: "E_CHANNEL_EMPTY" });
  });

  test("--from refuses when an artifact that the bundle names is gone from the store", async () => {
    shop().file("app.bin", "app");
    shop().file(
      "services/web/service.yaml",
      "description: Web\nartifacts: {app: {from: app.bin, to: /srv/app}}\nupdate: |\n  true\n",
    );
    await shop().run(deploy, ["beta"]);
    const [artifact = ""] = readdirSync(inStore("artifacts"));
    expect(await shop().run(deploy, ["prod"], { from: "beta", plan: true })).toMatchObject({
      blobs: expect.arrayContaining([{ key: `artifacts/${artifact}`, bytes: 3, there: true }]),
    });
    rmSync(inStore(`artifacts/${artifact}`));
    await expect(shop().run(deploy, ["prod"], { from: "beta" })).rejects.toMatchObject({
      code: "E_BLOB_GONE",
      message: expect.stringContaining(artifact),
    });
    expect(existsSync(inStore("channels/prod"))).toBe(false);
  });

  test.each([
    ["../x", /"x" would do/],
    ["Prod", /"prod" would do/],
    ["my channel!", /"my-channel" would do/],
    ["a..b", /"a.b" would do/],
    ["none", /^Such as stable/],
    ["", /^Such as stable/],
    ["..", /^Such as stable/],
    ["prod\n", /"prod" would do/],
    [`-${"a".repeat(70)}`, /"a{64}" would do/],
  ])("refuses the channel %j, and names one that would do", async (name, hint) => {
    await expect(shop().run(deploy, [name])).rejects.toMatchObject({
      code: "E_CHANNEL_NAME",
      hint: expect.stringMatching(hint),
    });
  });

  test.each([
    ["prod\n", '"prod\\n" is'],
    ["zo\u00eb", '"zoë" is'],
    ["a\u001b[31m", '"a\\u001b[31m" is'],
    ["a\u202eb\u009b", '"a\\u{202e}b\\u{9b}" is'],
    ["", '"" is'],
  ])("shows the name %j of no channel so that it can be read, and the rule once", async (name, shown) => {
    const error = await shop()
      .run(deploy, [name])
      .catch((thrown: BootlaceError) => thrown);
    expect(error).toMatchObject({ message: expect.stringContaining(`${shown} no channel: expected lower-case`) });
    expect(error).toMatchObject({ hint: expect.not.stringContaining("lower-case") });
  });

  test("tells a person what goes on, line by line where there is no terminal", async () => {
    const text = await shop().say(deploy, ["prod"]);
    expect(text).toMatch(
      /^prod of shop in file:.*\n→ channel prod: send bundles\/[0-9a-f]{12} \([\d.]+ KiB\)\n✔ .*\n→ channel prod: move \(serial 1\)\n✔ .*\n {2}moved to bundle [0-9a-f]{12}, serial 1, good until \d{4}-\d\d-\d\d\n$/,
    );
  });

  test.each([
    ["24h", /good until \d{4}-\d\d-\d\d \d\d:\d\d UTC\n$/],
    ["72h", /good until \d{4}-\d\d-\d\d\n$/],
  ])(
    "says until when a pointer of boot.lifetime %s is good, with the time of day where it matters",
    async (life, end) => {
      shop().write("true", `boot: {lifetime: ${life}}\n`);
      expect(await shop().say(deploy, ["prod"])).toMatch(end);
    },
  );

  test.each([
    ["--timeout", "--wait", { timeout: 60_000 }],
    ["--for", "--presign", { for: 60_000 }],
  ])("refuses %s without %s, which would mean nothing", async (option, needed, options) => {
    await expect(shop().run(deploy, ["prod"], options)).rejects.toMatchObject({
      code: "E_USAGE",
      message: expect.stringMatching(new RegExp(`${option} .* ${needed}`)),
    });
    expect(existsSync(inStore(""))).toBe(false);
  });

  test("--presign is for S3 only, and --for has bounds", async () => {
    await expect(shop().run(deploy, ["prod"], { presign: "urls" })).rejects.toMatchObject({ code: "E_USAGE" });
    expect(existsSync(inStore(""))).toBe(false);
  });
});

describe("bootlace deploy to S3", () => {
  const withServer = async (body: (server: S3Server) => Promise<void>): Promise<void> => {
    const server = await startS3();
    const s3 = `{endpoint: "${server.url}"}`;
    shop().write("true", `store: s3://${server.bucket}/shop\nregion: ${server.region}\ns3: ${s3}\n`);
    try {
      await body(server);
    } finally {
      await server.close();
    }
  };
  const writes = (server: S3Server) =>
    server.requests.filter(({ method, status }) => method === "PUT" && status === 200).map(({ key }) => key);

  test("sends what is missing, and the pointer last", () =>
    withServer(async (server) => {
      const { bundle } = await shop().run(deploy, ["prod"]);
      expect(writes(server)).toEqual([`shop/bundles/${bundle}.tar.gz`, "shop/channels/prod"]);
      server.requests.length = 0;
      await shop().run(deploy, ["prod"]);
      expect(writes(server)).toEqual([]);
      await shop().run(deploy, ["beta"]);
      expect(writes(server)).toEqual(["shop/channels/beta"]);
    }));

  test("tells a publisher who lost who won, and nothing of it stands in the channel", () =>
    withServer(async (server) => {
      await shop().run(deploy, ["prod"]);
      const mine = server.objects.get("shop/channels/prod")?.body.toString("latin1") ?? "";
      const theirs = mine.replace(/by=.*/, "by=bob@desk").replace("serial=1\n", "serial=2\n");
      shop().write("false", readFileSync(join(shop().dir, "bootlace.yaml"), "utf8").split("runtime: system\n")[1]);
      // Bob's move comes between this desk's look at the channel and its own move.
      server.misbehave({
        method: "PUT",
        key: /bundles/,
        fault: { kind: "mute", meanwhile: () => server.put("shop/channels/prod", theirs) },
      });
      await expect(shop().run(deploy, ["prod"])).rejects.toMatchObject({
        code: "E_CHANNEL_MOVED",
        message: expect.stringMatching(/serial 2.*by bob@desk/),
      });
      expect(server.objects.get("shop/channels/prod")?.body.toString("latin1")).toBe(theirs);
    }));

  test("--presign writes URLs for the channel and all its blobs, for nobody else to read", () =>
    withServer(async (server) => {
      const file = join(shop().home, "urls");
      const { bundle } = await shop().run(deploy, ["prod"], { presign: file, for: 60_000 });
      expect(statSync(file).mode & 0o777).toBe(0o600);
      const lines = readFileSync(file, "utf8")
        .trim()
        .split("\n")
        .map((line) => line.split(" "));
      expect(lines.map(([key]) => key)).toEqual(["channels/prod", `bundles/${bundle}.tar.gz`]);
      setAwsCredentials(undefined);
      for (const [, url = ""] of lines) expect((await fetch(url)).status).toBe(200);
      server.clockOffset = 61_000;
      expect((await fetch(lines[0]?.[1] ?? "")).status).toBe(403);
    }));

  test("--presign writes a file that stage1 makes its first boot with", () =>
    withServer(async (server) => {
      const root = join(shop().home, "root");
      const etc = join(root, "etc/bootlace");
      mkdirSync(etc, { recursive: true });
      const { bundle } = await shop().run(deploy, ["prod"], { presign: join(etc, "urls") });
      cpSync(join(shop().dir, "trust"), join(etc, "trust"), { recursive: true });
      const store = `store=s3://${server.bucket}/shop\nproject=shop\nchannel=prod\nruntime=system\n`;
      writeFileSync(join(etc, "boot.conf"), `v=1\n${store}auth=presigned\nkeysfile=/etc/bootlace/urls\n`, {
        mode: 0o600,
      });
      mkdirSync(join(shop().home, "bin"));
      const node = '#!/bin/sh\n[ "$1" = --version ] && echo v20.0.0 || echo "$@"\n';
      writeFileSync(join(shop().home, "bin/node"), node, { mode: 0o755 });
      const PATH = `${shop().home}/bin:${process.env.PATH}`;
      const argv = [fileURLToPath(new URL("../../../stage1/stage1", import.meta.url)), "--root", root, "--", "status"];
      const { stdout } = await promisify(execFile)("sh", argv, { env: { PATH } });
      expect(stdout).toContain(`bundles/${bundle}/stage2.mjs --handoff 1 status`);
    }));

  test("killed while it sends, it has moved nothing; the next one goes on", () =>
    withServer(async (server) => {
      server.misbehave({ method: "PUT", key: /bundles/, fault: { kind: "silent" } });
      const { child, line, ended } = startDesk(["-C", shop().dir, "deploy", "prod"]);
      await line("send bundles/");
      while (!server.requests.some(({ method }) => method === "PUT")) await new Promise((done) => setTimeout(done, 5));
      child.kill("SIGKILL");
      await ended;
      expect([...server.objects.keys()]).toEqual([]);
      expect(await shop().run(deploy, ["prod"])).toMatchObject({ move: "moved", serial: 1 });
    }));

  test("ends with one error when S3 refuses an upload in its middle", () =>
    withServer(async (server) => {
      server.credentials[0] = { ...TEST_KEY, allow: ["get", "list"] };
      shop().file("big", "x".repeat(16 << 20));
      const web = "description: Web\nartifacts: {big: {from: big, to: /srv/big}}\nupdate: |\n  true\n";
      shop().file("services/web/service.yaml", web);
      const { exit, err } = await startDesk(["-C", shop().dir, "deploy", "prod"]).ended;
      expect(exit).toBe(5);
      expect(err).toMatch(/^error E_STORE_DENIED: S3 refuses s3:PutObject on [^\n]+\n {2}docs\/store.md[^\n]+\n$/);
    }));

  test("prints nothing on standard error on any Node", () =>
    withServer(async () => {
      expect(await startDesk(["-C", shop().dir, "deploy", "prod"]).ended).toMatchObject({ exit: 0, err: "" });
    }));
});

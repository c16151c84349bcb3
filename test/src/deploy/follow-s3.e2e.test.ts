import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { findMachine } from "../../../src/machine/find-machine.ts";
import { runChecked } from "../../../src/session/run-checked.ts";
import { awsEnvironment } from "../../support/aws/s3-credentials.ts";
import { type S3Server, startS3, TEST_KEY } from "../../support/aws/s3-server.ts";
import { desk } from "../../support/desk.ts";
import { makeProject } from "../../support/small-project.ts";

const root = fileURLToPath(new URL("../../../", import.meta.url));
beforeAll(() => {
  // The sandbox's supervisor is this program itself, built.
  if (!existsSync(join(root, "dist/cli.mjs"))) execFileSync(process.execPath, [join(root, "scripts/build.mjs")]);
});

/** What machines have: they read, and may not list. */
const READER = { accessKeyId: "AKIAREADERREADERREAD", secretAccessKey: "reader/secret", allow: ["get"] } as const;

let s3: S3Server;
let keys: string;
let dir: string;
beforeEach(async () => {
  s3 = await startS3({ credentials: [TEST_KEY, READER] });
  keys = await mkdtemp(join(tmpdir(), "bootlace-keys-"));
});
afterEach(async () => {
  await s3.close().catch(() => {});
  await rm(keys, { recursive: true, force: true });
});

const config = (): string => `name: shop
runtime: system
services: [web]
region: eu-west-1
store: s3://acme-boot/shop
s3: {endpoint: "${s3.url}", pathStyle: true}
boot: {follow: stable, auth: keys, keysFile: /etc/bootlace/keys, allowBakedKeys: true, deadline: 10s}
images:
  base: {on: sandbox}
machines:
  dev: {on: sandbox, from: base}
`;
const web = (update: string): string => `description: Web
init: |
  umask 077
  printf '[default]\\naws_access_key_id = ${READER.accessKeyId}\\naws_secret_access_key = ${READER.secretAccessKey}\\n' >/etc/bootlace/keys
update: |
  echo ${update} >>/srv/log
`;

async function bootlace(...words: readonly string[]): Promise<string> {
  const { exit, out, err } = await desk(["-C", dir, ...words], { ...awsEnvironment(TEST_KEY), BOOTLACE_KEYS: keys });
  expect({ words, exit, err }).toEqual({ words, exit: 0, err: "" });
  return out;
}

async function onMachine(...argv: readonly string[]): Promise<string> {
  const session = await (await findMachine(dir, "dev")).session();
  try {
    return await runChecked(session, argv);
  } finally {
    await session.close();
  }
}

/** Reboots and tells what the machine asked the store for, and what its update wrote. */
async function reboot(): Promise<{ asked: readonly string[]; bytes: number; log: string }> {
  const before = s3.requests.length;
  await bootlace("reboot", "dev");
  const mine = s3.requests.slice(before).filter(({ key }) => key !== "");
  return {
    asked: mine.map(({ method, key }) => `${method} ${key.replace(/[0-9a-f]{64}/, "…")}`),
    bytes: mine.reduce((sum, { sent }) => sum + sent, 0),
    log: (await onMachine("tail", "-n1", "/srv/log")).trim(),
  };
}
const status = (): Promise<string> => bootlace("status", "dev");
const deploy = (update: string): Promise<string> =>
  writeFile(join(dir, "services/web/service.yaml"), web(update)).then(() => bootlace("deploy", "stable"));

test("an image that follows a channel in S3: only what changed is fetched, something good always boots, rollback and rotation reach it", async () => {
  dir = await makeProject({ "bootlace.yaml": config(), "services/web/service.yaml": web("one") });
  await bootlace("key", "new");
  const unpublished = await desk(["-C", dir, "build", "base"], { ...awsEnvironment(TEST_KEY), BOOTLACE_KEYS: keys });
  expect([unpublished.exit, unpublished.err]).toEqual([2, expect.stringContaining("E_NOT_PUBLISHED")]);
  await bootlace("deploy", "stable");
  await bootlace("build", "base");
  await bootlace("up", "dev");

  // Nothing new: one small request.
  const quiet = await reboot();
  expect(quiet).toMatchObject({ asked: ["GET shop/channels/stable"], log: "one" });
  expect(quiet.bytes).toBeLessThan(1024);

  // One script changed: pointer and bundle, and no more.
  await deploy("two");
  const changed = await reboot();
  expect(changed).toMatchObject({ asked: ["GET shop/channels/stable", "GET shop/bundles/….tar.gz"], log: "two" });
  expect(changed.bytes).toBeLessThan(300 * 1000);
  expect(await status()).not.toContain("degraded");

  // The store is gone: the last good bundle boots, and status says why.
  s3.misbehave({ fault: { kind: "status", status: 503 }, times: 1000 });
  expect((await reboot()).log).toBe("two");
  expect(await status()).toMatch(/degraded: .*503/);
  s3.behave();

  // Back to the bundle before: it is on the machine still.
  await bootlace("rollback", "channel/stable");
  expect(await reboot()).toMatchObject({ asked: ["GET shop/channels/stable"], log: "one" });
  expect(await status()).not.toContain("degraded");

  // A new key arrives in a bundle that the old one signed; then the old one is over.
  const trusted = async (): Promise<number> => (await onMachine("ls", "/etc/bootlace/trust")).trim().split("\n").length;
  expect(await trusted()).toBe(1);
  await bootlace("key", "rotate");
  await deploy("three");
  expect((await reboot()).log).toBe("three");
  expect(await trusted()).toBe(2);
  await bootlace("key", "rotate", "--finish");
  await deploy("four");
  expect((await reboot()).log).toBe("four");
  expect(await trusted()).toBe(1);
  expect(await status()).not.toContain("degraded");
  await bootlace("destroy", "dev", "--yes");
});

import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { awsEnvironment } from "../../support/aws/s3-credentials.ts";
import { type S3Server, startS3, TEST_KEY } from "../../support/aws/s3-server.ts";
import { startDesk } from "../../support/desk.ts";
import { makeProject } from "../../support/small-project.ts";

const root = fileURLToPath(new URL("../../../", import.meta.url));
beforeAll(() => {
  // The sandbox's supervisor is this program itself, built.
  if (!existsSync(join(root, "dist/cli.mjs"))) execFileSync(process.execPath, [join(root, "scripts/build.mjs")]);
});

let s3: S3Server;
let keys: string;
beforeEach(async () => {
  s3 = await startS3({ anonymous: ["get"] });
  keys = await mkdtemp(join(tmpdir(), "bootlace-keys-"));
});
afterEach(async () => {
  await s3.close();
  await rm(keys, { recursive: true, force: true });
});

const web = (update: string): string => `description: Web\nupdate: |\n  echo ${update} >/srv/log\n`;

test("deploy --wait ends when the machines that follow the channel have booted the bundle well, and names those that have not", async () => {
  const dir = await makeProject({
    "bootlace.yaml": `name: shop
runtime: system
services: [web]
region: ${s3.region}
store: s3://${s3.bucket}/shop
s3: {endpoint: "${s3.url}"}
boot: {follow: stable, deadline: 5s}
machines: {dev: {on: sandbox}, other: {on: sandbox}}
`,
    "services/web/service.yaml": web("one"),
  });
  const start = (...words: readonly string[]) =>
    startDesk(["-C", dir, ...words], { ...awsEnvironment(TEST_KEY), BOOTLACE_KEYS: keys });
  const bootlace = async (...words: readonly string[]): Promise<string> => {
    const { exit, out, err } = await start(...words).ended;
    expect({ words, exit, err }).toEqual({ words, exit: 0, err: "" });
    return out;
  };
  await bootlace("key", "new");
  await bootlace("deploy", "stable");
  expect(await bootlace("deploy", "stable", "--wait")).toContain("no running machine of this project follows stable");
  await bootlace("up", "dev");
  expect(await bootlace("deploy", "beta", "--wait")).toContain("no running machine of this project follows beta");

  await writeFile(join(dir, "services/web/service.yaml"), web("two"));
  const waiting = start("deploy", "stable", "--wait");
  await waiting.line("→ machine dev: have bundle");
  await bootlace("reboot", "dev");
  expect(await waiting.ended).toMatchObject({ exit: 0, err: "", out: expect.stringContaining("✔ machine dev: have") });

  await writeFile(join(dir, "services/web/service.yaml"), web("three"));
  const { exit, err } = await start("deploy", "stable", "--wait", "--timeout", "1s").ended;
  expect(exit).toBe(6);
  expect(err).toMatch(/E_WAIT.*dev \(has bundle [0-9a-f]{12}\)/);
  await bootlace("destroy", "dev", "--yes");
});

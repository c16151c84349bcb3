import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  createWriteStream,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { pipeline } from "node:stream/promises";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { packBundle } from "../../../src/bundle/pack.ts";
import deploy from "../../../src/commands/deploy.ts";
import { makeDelivery } from "../../../src/deploy/delivery.ts";
import { parsePointer } from "../../../src/deploy/pointer.ts";
import { planPublish, publish } from "../../../src/deploy/publish.ts";
import { FolderStore } from "../../../src/store/folder-store.ts";
import type { Project, Service } from "../../../stage2/index.ts";

let home: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "bootlace-deploy-"));
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

function writeProject(script: string): void {
  const files = {
    "bootlace.yaml": "name: shop\nservices: [web]\nruntime: system\n",
    "services/web/service.yaml": `description: Web\nupdate: |\n  ${script}\n`,
  };
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(join(home, path, ".."), { recursive: true });
    writeFileSync(join(home, path), text);
  }
}

async function runDeploy(
  options: Readonly<Record<string, unknown>> = {},
  args = ["prod"],
): Promise<Record<string, unknown>> {
  const stdout = new PassThrough();
  const context = {
    dir: home,
    args,
    options,
    json: true,
    yes: false,
    stdout,
    stderr: new PassThrough(),
    signal: new AbortController().signal,
  };
  expect(await deploy(context)).toBe(0);
  return JSON.parse(String(stdout.read())) as Record<string, unknown>;
}

describe("bootlace deploy", () => {
  test("sends the bundle and moves the channel, once, until the project changes", async () => {
    writeProject("true");
    expect(await runDeploy({ plan: true })).toMatchObject({ moves: true, planned: true });
    expect(existsSync(join(home, ".bootlace/store"))).toBe(false);
    const first = await runDeploy();
    expect(first).toMatchObject({ moves: true, serial: 1 });
    expect(readdirSync(join(home, ".bootlace/store/bundles"))).toEqual([`${first.bundle}.tar.gz`]);
    expect(await runDeploy()).toMatchObject({ moves: false, serial: 1, bundle: first.bundle });
    writeProject("false");
    expect(await runDeploy()).toMatchObject({ moves: true, serial: 2 });
  });

  test("refuses a channel's name that could leave the store", async () => {
    writeProject("true");
    await expect(runDeploy({}, ["../x"])).rejects.toMatchObject({ code: "E_USAGE" });
  });
});

const project: Project = { format: 1, name: "shop", roots: [], services: [] };

test("publish() uploads all that a pointer names before it moves, and only what is missing", async () => {
  const store = new FolderStore(join(home, "store"));
  const bundle = await packBundle({ dir: home, project, files: [] });
  writeFileSync(join(home, "app"), "app");
  const digest = createHash("sha256").update("app").digest("hex");
  const artifacts = [{ digest, bytes: 3, file: join(home, "app") }];
  const input = { store, channel: "prod", project: "shop", bundle, runtimes: [], artifacts, now: 1795000000_000 };
  const sent: string[] = [];
  const plan = await planPublish(input);
  await publish(plan, ({ kind }) => {
    sent.push(kind);
    expect(existsSync(join(home, "store/channels/prod"))).toBe(false);
  });
  expect(sent).toEqual(["artifacts", "bundles"]);
  expect(parsePointer(readFileSync(join(home, "store/channels/prod"), "latin1"))).toMatchObject({
    serial: 1,
    created: 1795000000,
  });
  const again = await planPublish(input);
  expect({ moves: again.moves, missing: again.uploads.filter(({ there }) => !there) }).toEqual({
    moves: false,
    missing: [],
  });
});

test("publish() loses to whoever moved the channel after the plan, and says so", async () => {
  const store = new FolderStore(join(home, "store"));
  const plan = async (name: string) => {
    const files = [{ path: `services/${name}/x`, mode: 0o644, content: { bytes: Buffer.from(name) } } as const];
    const bundle = await packBundle({ dir: home, project, files });
    return planPublish({
      store,
      channel: "prod",
      project: "shop",
      bundle,
      runtimes: [],
      artifacts: [],
      now: Date.now(),
    });
  };
  const [mine, theirs] = [await plan("mine"), await plan("theirs")];
  await publish(theirs);
  await expect(publish(mine)).rejects.toMatchObject({ code: "E_CHANNEL_MOVED" });
  expect(parsePointer((await store.readChannel("prod")) ?? "").bundle.digest).toBe(theirs.next.bundle.digest);
});

test("makeDelivery() brings stage1 and all that the machine lacks, and stage1 boots from it", async () => {
  writeFileSync(join(home, "app"), "app");
  const digest = createHash("sha256").update("app").digest("hex");
  const artifact = { name: "app", blobs: { any: { digest, bytes: 3 } }, kind: "file", to: "/srv/app" } as const;
  const withApp: Project = { ...project, services: [{ artifacts: [artifact] } as unknown as Service] };
  const artifacts = [{ digest, bytes: 3, file: join(home, "app") }];
  const real = await packBundle({ dir: home, project: withApp, files: [] });
  const root = join(home, "root");
  const folder = join(root, "var/lib/bootlace/delivery");
  mkdirSync(folder, { recursive: true });
  const none = { bundles: new Set<string>(), runtimes: new Set<string>(), artifacts: new Set<string>() };
  const send = async (has: typeof none): Promise<readonly string[]> => {
    const tarball = join(home, "delivery.tar.gz");
    const stream = makeDelivery({
      loaded: { project: withApp, artifacts },
      bundle: real,
      runtime: "system",
      channel: "desk",
      has,
    });
    await pipeline(stream, createWriteStream(tarball));
    execFileSync("tar", ["-xzf", tarball, "-C", folder]);
    return execFileSync("tar", ["-tzf", tarball]).toString().trim().split("\n");
  };
  const paths = await send(none);
  expect(paths).toEqual(
    expect.arrayContaining([
      "stage1/stage1",
      `store/artifacts/${digest}`,
      `store/bundles/${real.digest}.tar.gz`,
      "boot.conf",
    ]),
  );
  // The bundle of this test holds the real runner; what counts here is that stage1 brings it all into place.
  mkdirSync(join(home, "bin"));
  writeFileSync(join(home, "bin/node"), '#!/bin/sh\n[ "$1" = --version ] && echo v20.0.0 || echo "$@"\n', {
    mode: 0o755,
  });
  const env = { ...process.env, PATH: `${home}/bin:${process.env.PATH}` };
  const out = execFileSync(
    "sh",
    [join(folder, "stage1/stage1"), "--root", root, "--conf", join(folder, "boot.conf"), "--", "status"],
    { env },
  );
  expect(out.toString()).toMatch(/bundles\/[0-9a-f]{64}\/stage2.mjs --handoff 1 status/);
  expect(readFileSync(join(root, "var/lib/bootlace/artifacts", digest), "utf8")).toBe("app");
  const second = await send({ ...none, bundles: new Set([real.digest]), artifacts: new Set([digest]) });
  expect(second.filter((path) => path.startsWith("store/"))).toEqual(["store/channels/desk"]);
});

test("makeDelivery() ends the stream with the error when a blob cannot be read", async () => {
  const bundle = { digest: "a".repeat(64), bytes: 1, unpackedBytes: 1, file: join(home, "gone") };
  const has = { bundles: new Set<string>(), runtimes: new Set<string>(), artifacts: new Set<string>() };
  const stream = makeDelivery({ loaded: { project, artifacts: [] }, bundle, runtime: "system", channel: "desk", has });
  await expect(pipeline(stream, createWriteStream(join(home, "out")))).rejects.toMatchObject({ code: "ENOENT" });
});

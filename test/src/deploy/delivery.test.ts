import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { createWriteStream, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { afterEach, beforeEach, expect, test } from "vitest";
import { packBundle } from "../../../src/bundle/pack.ts";
import { makeDelivery } from "../../../src/deploy/delivery.ts";
import type { Project, Service } from "../../../stage2/index.ts";

let home: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "bootlace-delivery-"));
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

const project: Project = { format: 1, name: "shop", roots: [], services: [] };

test("makeDelivery() brings stage1 and all that the machine lacks, and stage1 boots from it", async () => {
  writeFileSync(join(home, "app"), "app");
  const digest = createHash("sha256").update("app").digest("hex");
  const artifact = { name: "app", blobs: { any: { digest, bytes: 3 } }, kind: "file", to: "/srv/app" } as const;
  const withApp: Project = { ...project, services: [{ artifacts: [artifact] } as unknown as Service] };
  const artifacts = [{ digest, bytes: 3, file: join(home, "app") }];
  const real = await packBundle({ dir: home, project: withApp, files: [] });
  const root = join(home, "root");
  const folder = join(root, "var/lib/bootlace/delivery");
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
    mkdirSync(folder, { recursive: true });
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

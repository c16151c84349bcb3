import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { packBundle } from "../../../src/bundle/pack.ts";
import { makeDelivery } from "../../../src/deploy/delivery.ts";
import { install } from "../../../src/machine/here/install.ts";
import { loadProject } from "../../../src/project/load-project.ts";
import { deskArch } from "../../../src/runtime/pinned.ts";
import { pathsUnder } from "../../../stage2/index.ts";
import { ownCache } from "../../support/cache-folder.ts";
import { type HttpsFiles, serveHttps } from "../../support/https-files.ts";
import { projectOf } from "../../support/project.ts";

const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");

let home: string;
let cache: string;
let server: HttpsFiles;
beforeEach(async () => {
  home = mkdtempSync(join(tmpdir(), "bootlace-deliver-"));
  cache = ownCache();
  server = await serveHttps(home);
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

/** A project with an artifact for each architecture, locked, never fetched. */
function project(): string {
  const line = (arch: string): string => `${sha256(arch)} ${arch.length} ${server.url}/${arch}\n`;
  for (const arch of ["x86_64", "arm64"]) server.files.set(`/${arch}`, Buffer.from(arch));
  return projectOf({
    "bootlace.yaml": "name: s\nservices: [web]\n",
    "bootlace.lock": `bootlace-lock 1\n${line("arm64")}${line("x86_64")}`,
    "services/web/service.yaml": `artifacts: {app: {from: "${server.url}/{arch}", to: /srv/app}}\n`,
  });
}

test("install() fetches what this machine needs, once, and only when it lacks it", async () => {
  const loaded = await loadProject(project());
  const paths = pathsUnder(join(home, "root"));
  await install(loaded, paths);
  expect(readdirSync(paths.artifacts)).toEqual([sha256(deskArch())]);
  expect(server.asked).toEqual([`GET /${deskArch()}`]);
  rmSync(join(cache, "bootlace"), { recursive: true });
  await install(loaded, paths);
  expect(server.asked).toHaveLength(1);
});

test("makeDelivery() fetches what the machine lacks before it sends, from a compiled project out of the cache too", async () => {
  const dir = project();
  await loadProject(dir);
  const loaded = await loadProject(dir);
  const delivery = async (has: readonly string[]): Promise<string> => {
    const input = {
      loaded,
      bundle: await packBundle(loaded),
      runtime: "system",
      channel: "desk",
      arch: "arm64",
      has: { bundles: new Set<string>(), runtimes: new Set<string>(), artifacts: new Set(has) },
    } as const;
    const parts: Buffer[] = [];
    for await (const part of makeDelivery(input)) parts.push(part);
    const file = join(home, "delivery.tar.gz");
    writeFileSync(file, Buffer.concat(parts));
    return execFileSync("tar", ["-tzf", file], { encoding: "utf8" });
  };
  expect(await delivery([sha256("arm64")])).not.toContain("artifacts/");
  expect(server.asked).toEqual([]);
  expect(await delivery([])).toContain(`store/artifacts/${sha256("arm64")}`);
  expect(server.asked).toEqual(["GET /arm64"]);
});

test("makeDelivery() ends with E_ARTIFACT_CHANGED when the source gives other bytes", async () => {
  const loaded = await loadProject(project());
  server.files.set("/arm64", Buffer.from("other"));
  const input = {
    loaded,
    bundle: await packBundle(loaded),
    runtime: "system",
    channel: "desk",
    arch: "arm64",
    has: { bundles: new Set<string>(), runtimes: new Set<string>(), artifacts: new Set<string>() },
  } as const;
  const read = async (): Promise<void> => {
    for await (const _ of makeDelivery(input));
  };
  await expect(read()).rejects.toMatchObject({ code: "E_ARTIFACT_CHANGED" });
  expect(existsSync(join(cache, "bootlace/artifacts", sha256("arm64")))).toBe(false);
});

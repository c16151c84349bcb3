import { execFileSync, spawn } from "node:child_process";
import { createReadStream, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from "vitest";
import { bundleFiles } from "../../src/bundle/bundle-files.ts";
import { packBundle } from "../../src/bundle/pack.ts";
import { readContent } from "../../src/bundle/read-content.ts";
import { tarStream } from "../../src/bundle/tar-stream.ts";
import { loadProject } from "../../src/project/load-project.ts";
import { ended, type Outcome, Stage1Rig, TestKey } from "../support/stage1-rig.ts";

const folder = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
const TODAY = folder("../../stage1");
const releases = (of: string): string[] => readdirSync(folder(of)).filter((name) => /^\d/.test(name));

let rig: Stage1Rig;
let log: string;
beforeEach(() => {
  rig = new Stage1Rig();
  log = join(rig.home, "log");
});
afterEach(() => rig.dispose());

/** A small project; each script appends its name to the log. */
async function project() {
  const dir = join(rig.home, "project");
  const files = {
    "bootlace.yaml": "name: shop\nservices: [web]\n",
    "services/base/service.yaml": `init: |\n  echo base.init >>${log}\n`,
    "services/web/service.yaml": `requires: [base]\ninit: |\n  echo web.init >>${log}\nupdate: |\n  echo web.update >>${log}\n`,
  };
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(join(dir, path, ".."), { recursive: true });
    writeFileSync(join(dir, path), text);
  }
  return loadProject(dir);
}

/** The bundle of today's desk with today's runner, in the store. */
async function bundleOfToday() {
  const bundle = await packBundle(await project());
  writeFileSync(join(rig.store, "bundles", `${bundle.digest}.tar.gz`), readFileSync(bundle.file));
  return bundle;
}

/** The same with a released runner. */
async function bundleWith(release: string) {
  const bytes = readFileSync(folder(`../stage2-releases/${release}/stage2.mjs`));
  const files = await readContent(await bundleFiles(await project()));
  return rig.putTar(tarStream(files.map((file) => (file.path === "stage2.mjs" ? { ...file, bytes } : file))));
}

/** Serves the store over plain HTTP; answers its address. */
async function http(): Promise<string> {
  const server = createServer((request, response) => {
    const file = join(rig.store, request.url ?? "");
    response.setHeader("connection", "close");
    if (existsSync(file)) createReadStream(file).pipe(response);
    else response.writeHead(404).end();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => void server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const boot = (stage1: string): Promise<Outcome> =>
  ended(
    spawn("sh", [join(stage1, "stage1"), "--root", rig.root, "--", "boot"], { stdio: ["ignore", "ignore", "pipe"] }),
  );
const ran = (): string[] => readFileSync(log, "utf8").trim().split("\n");
const handoff = (name: string): string => readFileSync(join(rig.state, "handoff", name), "utf8");
/** The last event of each run that is recorded. */
function closes(): readonly { readonly k: string; readonly outcome?: string }[] {
  return readdirSync(join(rig.state, "runs"))
    .sort()
    .map((run) =>
      JSON.parse(
        readFileSync(join(rig.state, "runs", run, "events.jsonl"), "utf8")
          .trim()
          .split("\n")
          .at(-1)!,
      ),
    );
}

/** Boots twice, then meets a bundle that dies before its plan: docs/contracts.md, section 2. */
async function keepsTheContract(stage1: string, bundle: Awaited<ReturnType<typeof bundleWith>>): Promise<void> {
  rig.point(bundle);
  expect(await boot(stage1)).toMatchObject({ code: 0 });
  expect(ran()).toEqual(["base.init", "web.init", "web.update"]);
  expect(existsSync(join(rig.state, "handoff/ready"))).toBe(true);
  expect(handoff("result")).toMatch(/^outcome=done\nexit=0\nrun=\S+\n/);
  expect(rig.record("good")).toMatchObject({ bundle: bundle.digest, runtime: "system" });
  expect(await boot(stage1)).toMatchObject({ code: 0 });
  expect(ran().slice(3)).toEqual(["web.update"]);

  rig.point(rig.putBundle("broken", "crash"));
  const fallen = await boot(stage1);
  expect(fallen).toMatchObject({ code: 0, stderr: expect.stringContaining(`falling back on bundle ${bundle.digest}`) });
  expect(ran().slice(4)).toEqual(["web.update"]);
  expect(rig.record("good")).toMatchObject({ bundle: bundle.digest });
  expect(closes().map(({ k }) => k)).toEqual(["close", "close", "close"]);
}

test.each(releases("../stage1-releases"))(
  "a machine that was installed with stage1 %s gets today's stage1 and its keys with a bundle, and follows signed pointers",
  async (release) => {
    const installed = join(rig.root, "usr/lib/bootlace");
    execFileSync("sh", [folder(`../stage1-releases/${release}/install`), "--root", rig.root], { stdio: "ignore" });
    rmSync(rig.trust, { recursive: true });
    const dir = join(rig.home, "project");
    mkdirSync(join(dir, "trust"), { recursive: true });
    writeFileSync(join(dir, "trust", `${rig.key.id}.pem`), rig.key.trustFile);
    rig.point(await bundleOfToday());
    expect(await boot(installed)).toMatchObject({ code: 0 });
    expect(readdirSync(rig.trust)).toEqual([`${rig.key.id}.pem`]);
    for (const name of readdirSync(TODAY))
      expect(readFileSync(join(installed, name)).equals(readFileSync(join(TODAY, name))), name).toBe(true);

    const unsigned = new TestKey();
    rig.point(rig.putBundle("theirs"), {}, [unsigned]);
    expect(await boot(installed)).toMatchObject({
      code: 0,
      stderr: expect.stringContaining("no key that this machine trusts"),
    });
    rig.point(rig.putBundle("ours"));
    expect(await boot(installed)).toMatchObject({ code: 0 });
    expect(rig.marks()).toEqual(["ours"]);
    expect(ran()).toEqual(["base.init", "web.init", "web.update", "web.update"]);
  },
);

describe.each(["file", "http"])("from a store behind %s://", (scheme) => {
  beforeEach(async () => {
    if (scheme === "http") rig.writeConf({ store: await http() });
  });

  test.each(releases("../stage1-releases"))("stage1 %s, as it was released, boots today's stage2", async (release) => {
    await keepsTheContract(folder(`../stage1-releases/${release}`), await bundleOfToday());
  });

  test.each(releases("../stage2-releases"))("today's stage1 boots stage2 %s, as it was released", async (release) => {
    await keepsTheContract(TODAY, await bundleWith(release));
  });
});

import { execFileSync } from "node:child_process";
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { afterEach, beforeEach, expect, test } from "vitest";
import deploy from "../../src/commands/deploy.ts";
import { deskArch, pinnedRuntime } from "../../src/runtime/pinned.ts";
import { newKey } from "../../src/trust/change-keys.ts";
import { Stage1Rig } from "../support/stage1-rig.ts";

let rig: Stage1Rig;
const keys = process.env.BOOTLACE_KEYS;
beforeEach(() => {
  rig = new Stage1Rig();
  process.env.BOOTLACE_KEYS = join(rig.home, "keys");
});
afterEach(() => {
  if (keys === undefined) delete process.env.BOOTLACE_KEYS;
  else process.env.BOOTLACE_KEYS = keys;
  rig.dispose();
});

/** A project whose scripts append to a file, so that it shows what ran how often. */
function writeProject(log: string, update: string): string {
  const dir = join(rig.home, "project");
  const files = {
    "bootlace.yaml": "name: shop\nservices: [web]\n",
    "services/base/service.yaml": `init: |\n  echo base.init >>${log}\n`,
    "services/web/service.yaml": `requires: [base]\ninit: |\n  echo web.init >>${log}\nupdate: |\n  ${update}\n`,
  };
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(join(dir, path, ".."), { recursive: true });
    writeFileSync(join(dir, path), text);
  }
  return dir;
}

test("a project that was deployed boots: the shipped runtime, the real runner, init once and update at every boot", async () => {
  const log = join(rig.home, "log");
  const deployed = async (dir: string): Promise<void> => {
    const [stdout, stderr] = [new PassThrough(), new PassThrough()];
    const { signal } = new AbortController();
    const options = { store: rig.store };
    expect(await deploy({ dir, args: ["prod"], options, json: false, yes: false, stdout, stderr, signal })).toBe(0);
  };
  rig.writeConf({ runtime: "digest", deadline: "60" });
  const { key, file } = await newKey(writeProject(log, `echo web.update >>${log}`));
  copyFileSync(file, join(rig.trust, `${key.id}.pem`));
  await deployed(writeProject(log, `echo web.update >>${log}`));
  expect(await rig.run()).toMatchObject({ code: 0 });
  expect(readFileSync(log, "utf8")).toBe("base.init\nweb.init\nweb.update\n");
  expect(rig.record("good")).toMatchObject({ serial: "1", runtime: pinnedRuntime(deskArch()).packed.digest });
  expect(await rig.run()).toMatchObject({ code: 0 });
  expect(readFileSync(log, "utf8")).toBe("base.init\nweb.init\nweb.update\nweb.update\n");

  await deployed(writeProject(log, `echo web.newer >>${log}; exit 3`));
  // A service that fails does not make a bundle bad: it came up, and its run was closed.
  expect(await rig.run()).toMatchObject({ code: 1 });
  expect(readFileSync(log, "utf8")).toMatch(/web\.update\nweb\.newer\n$/);
  expect(rig.record("good")).toMatchObject({ serial: "2" });

  const env = { ...process.env, BOOTLACE_ROOT: rig.root };
  const command = new URL("../../stage1/bootlace", import.meta.url).pathname;
  const status: unknown = JSON.parse(execFileSync("sh", [command, "status", "--json"], { env }).toString());
  expect(JSON.stringify(status)).toContain("web");
});

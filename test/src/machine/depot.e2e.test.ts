import { execFileSync } from "node:child_process";
import { mkdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeAll, expect, test } from "vitest";
import type { Machine, Provider } from "../../../src/machine/machine.ts";
import { depotsOf, findDepot } from "../../../src/machine/sandbox/depot.ts";
import { sandboxProvider } from "../../../src/machine/sandbox/sandbox-provider.ts";
import { unusedLayers } from "../../../src/machine/sandbox/unused-layers.ts";
import { makeProject } from "../../support/small-project.ts";
import { supervisorCommand } from "../../support/supervisor.ts";

let provider: Provider;
beforeAll(async () => {
  provider = sandboxProvider({ supervisor: await supervisorCommand() });
});
const remove: string[] = [];
const machines: Machine[] = [];
afterEach(async () => {
  for (const machine of machines.splice(0)) await machine.dispose();
  for (const path of remove.splice(0)) rmSync(path, { recursive: true, force: true });
});

const NOBODY = { uid: 65534, gid: 65534 };
const asNobody = (script: string, ...args: string[]) =>
  execFileSync("sh", ["-euc", script, "sh", ...args], { ...NOBODY, cwd: "/" });

/** A project whose own depot cannot be used, and the two in folders that are open to all. */
async function depots(): Promise<{ dir: string; own: string; disk: string; memory: string }> {
  const dir = await makeProject({ ".bootlace/sandbox": "no folder" });
  const [own = "", disk = "", memory = ""] = depotsOf(dir);
  remove.push(disk, memory);
  return { dir, own, disk, memory };
}

test("findDepot() passes over a folder of that name that another user made before", async () => {
  const { dir, disk, memory } = await depots();
  asNobody('mkdir -m 0777 "$1" "$1/layers"', disk);
  expect((await findDepot(dir, "/")).folder).toBe(memory);
  expect(statSync(memory).mode & 0o7777).toBe(0o700);
});

test("findDepot() passes over another user's link, and says what stands in the way when nothing is left", async () => {
  const { dir, disk, memory } = await depots();
  asNobody('mkdir -m 0777 "$1.real"; ln -s "$1.real" "$1"; mkdir -m 0777 "$2"', disk, memory);
  remove.push(`${disk}.real`);
  await expect(findDepot(dir, "/")).rejects.toMatchObject({
    code: "E_SANDBOX_UNAVAILABLE",
    message: expect.stringContaining(`${disk} is not a folder of ours alone`),
  });
});

test("findDepot() passes over a folder of ours that everybody may write in, and closes one that everybody may read", async () => {
  const { dir, disk, memory } = await depots();
  execFileSync("mkdir", ["-m", "0777", disk]);
  execFileSync("mkdir", ["-m", "0755", memory]);
  expect((await findDepot(dir, "/")).folder).toBe(memory);
  expect(statSync(memory).mode & 0o7777).toBe(0o700);
});

test("start() refuses a depot that another user has put in the place of the one that was there at launch", async () => {
  const dir = await makeProject({});
  const machine = await provider.launch({ name: "dev", dir, base: { kind: "host" }, purpose: "run" });
  machines.push(machine);
  await machine.stop();
  const [own = ""] = depotsOf(dir);
  execFileSync("chown", ["65534:65534", own]);
  await expect(machine.start()).rejects.toMatchObject({ message: expect.stringContaining("not a folder of ours") });
});

test("capture() makes an archive that nobody else may read, in a folder that nobody else may enter", async () => {
  const dir = await makeProject({});
  const machine = await provider.launch({ name: "dev", dir, base: { kind: "host" }, purpose: "run" });
  machines.push(machine);
  await machine.stop();
  const folder = join(dir, "image");
  mkdirSync(folder, { mode: 0o755 });
  writeFileSync(join(folder, "layer.tar"), "from a capture that was killed", { mode: 0o644 });
  const { layer } = await machine.capture(folder);
  const mode = (path: string) => (statSync(path).mode & 0o7777).toString(8);
  expect([mode(folder), mode(layer!.file)]).toEqual(["700", "600"]);
});

test("unusedLayers() leaves what another process may still be unpacking, for a day, and names that are not its own", async () => {
  const dir = await makeProject({});
  const layers = join(dir, ".bootlace/sandbox/layers");
  const digest = (letter: string) => letter.repeat(64);
  const names = [digest("a"), digest("b"), `${digest("b")}.Xy12Zz`, "notes"];
  for (const name of names) mkdirSync(join(layers, name), { recursive: true });
  const found = async (now?: number) =>
    (await unusedLayers(dir, new Set([digest("a")]), now)).map((path) => path.slice(layers.length + 1));
  expect(await found()).toEqual([digest("b")]);
  expect((await found(Date.now() + 25 * 3_600_000)).sort()).toEqual([digest("b"), `${digest("b")}.Xy12Zz`]);
  execFileSync("chown", ["65534:65534", layers]);
  expect(await found()).toEqual([]);
});

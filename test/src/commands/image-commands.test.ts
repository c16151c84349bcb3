import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import imageDeprecate from "../../../src/commands/image-deprecate.ts";
import imageDiff from "../../../src/commands/image-diff.ts";
import imageLs from "../../../src/commands/image-ls.ts";
import imagePrune from "../../../src/commands/image-prune.ts";
import imageRm from "../../../src/commands/image-rm.ts";
import imageShow from "../../../src/commands/image-show.ts";
import imageTag from "../../../src/commands/image-tag.ts";
import { startImage } from "../../../src/image/find-image.ts";
import { type ImageRecord, imageFolder } from "../../../src/image/image-record.ts";
import { FileRecords } from "../../../src/image/records/file-records.ts";
import { resolveBase } from "../../../src/machine/machine-source.ts";
import { providerNamed } from "../../../src/machine/providers.ts";
import { runCommand } from "../../support/run-command.ts";
import { makeProject } from "../../support/small-project.ts";
import { sampleRecord } from "../image/sample-record.ts";

const PROJECT = {
  "bootlace.yaml":
    "name: shop\nservices: []\nimages:\n  base: {on: sandbox}\n  web: {on: sandbox, from: base, keep: 2}\n",
};
const idOf = (day: number): string => `202611${String(day).padStart(2, "0")}120000-aaaa`;

/** A sandbox's image whose layer lies here, unless it is said to be elsewhere. */
async function add(dir: string, name: string, day: number, more: Partial<ImageRecord> = {}): Promise<ImageRecord> {
  const id = idOf(day);
  const own = { digest: `${name}${day}`, bytes: 1000, file: `${name}/${id}/layer.tar` };
  const image = sampleRecord(name, id, {
    provider: "sandbox",
    origin: { root: "/" },
    copies: [],
    created: Date.UTC(2026, 10, day, 12),
    layers: [own],
    ...more,
  });
  await new FileRecords(dir).add(image);
  writeFileSync(join(imageFolder(dir, name, id), "layer.tar"), "layer");
  return image;
}
const stateOf = async (dir: string, name: string, day: number) =>
  (await new FileRecords(dir).get(name, idOf(day)))?.state;
const hasLayer = (dir: string, name: string, day: number) =>
  existsSync(join(imageFolder(dir, name, idOf(day)), "layer.tar"));

test("image ls shows states and users, and those that are gone only when asked", async () => {
  const dir = await makeProject(PROJECT);
  const base = await add(dir, "base", 1);
  await add(dir, "web", 2, { parent: { name: "base", id: base.id }, lineage: base.lineage });
  await add(dir, "web", 3, { state: "quarantined" });
  await add(dir, "web", 4, { state: "gone" });
  const lines = (await runCommand(imageLs, dir, [])).trim().split("\n");
  expect(lines).toEqual([
    expect.stringMatching(/^base\/20261101120000-aaaa +good .* used by image web\/20261102120000-aaaa$/),
    expect.stringMatching(/^web\/20261103120000-aaaa +quarantined /),
    expect.stringMatching(/^web\/20261102120000-aaaa +good /),
  ]);
  expect(await runCommand(imageLs, dir, ["web"], { options: { all: true } })).toContain(idOf(4));
  const gone = await runCommand(imageLs, dir, [], { options: { state: "gone" }, json: true });
  expect(JSON.parse(gone)).toMatchObject([{ id: idOf(4), users: [] }]);
});

test("image show tells where each parameter came from, and names secrets without values", async () => {
  const dir = await makeProject(PROJECT);
  await add(dir, "web", 2);
  await add(dir, "web", 3, { state: "quarantined", reason: "web.update failed", logs: ".bootlace/logs/x" });
  // The newest good one, whatever came after it.
  const shown = await runCommand(imageShow, dir, ["web"]);
  expect(shown).toContain(`web/${idOf(2)}`);
  expect(shown).toMatch(/^param +shop\.workers = 8 {2}\(image\)$/m);
  expect(shown).toMatch(/^param +shop\.hosts = \["a","b"\] {2}\(project\)$/m);
  expect(shown).toMatch(/^secret +shop\.dbPassword$/m);
  expect(shown).toMatch(/^ports +tcp \*:80$/m);
  const other = await runCommand(imageShow, dir, [`web/${idOf(3)}`]);
  expect(other).toMatch(/^state +quarantined: web\.update failed$/m);
  expect(other).toMatch(/^logs +\.bootlace\/logs\/x$/m);
  await expect(runCommand(imageShow, dir, ["wep"])).rejects.toMatchObject({ code: "E_IMAGE_UNKNOWN" });
});

test("image diff tells services, params, packages, units, users, ports and files by service", async () => {
  const dir = await makeProject(PROJECT);
  const before = await add(dir, "web", 2);
  await add(dir, "web", 3, {
    services: [{ name: "shop", digest: "f".repeat(64) }],
    params: { shop: { workers: { value: 9, from: "command line" } } },
    packages: ["bash 5.2.15-2", "openssl 3.0.18-1", "curl 7.88"],
    inventory: {
      units: [],
      users: ["root 0 0 /root /bin/bash", "shop 999 999 /srv/shop /bin/sh"],
      ports: ["tcp *:443", "tcp *:80"],
      files: { shop: { "/srv/shop/app": "0".repeat(16) }, machine: before.inventory?.files.machine ?? {} },
    },
  });
  const pair = [`web/${idOf(2)}`, `web/${idOf(3)}`];
  const { differences } = JSON.parse(await runCommand(imageDiff, dir, pair, { json: true }));
  expect(differences).toEqual([
    { part: "services", what: "shop", before: "b".repeat(12), after: "f".repeat(12) },
    { part: "params", what: "shop.hosts", before: '["a","b"]' },
    { part: "params", what: "shop.workers", before: "8", after: "9" },
    { part: "packages", what: "curl", after: "7.88" },
    { part: "packages", what: "openssl", before: "3.0.17-1", after: "3.0.18-1" },
    { part: "units", what: "ssh.service", before: "" },
    { part: "users", what: "shop", after: "999 999 /srv/shop /bin/sh" },
    { part: "ports", what: "tcp *:443", after: "" },
    { part: "files of shop", what: "/srv/shop/app", before: "d".repeat(16), after: "0".repeat(16) },
  ]);
  expect(await runCommand(imageDiff, dir, pair)).toContain("~ openssl 3.0.17-1 → 3.0.18-1");
  expect(await runCommand(imageDiff, dir, ["web", "web"])).toContain("Nothing differs");
});

test("image tag keeps a person's tags, and takes none that are not theirs", async () => {
  const dir = await makeProject(PROJECT);
  await add(dir, "web", 2);
  expect(await runCommand(imageTag, dir, ["web", "owner=ops team", "release="])).toContain("owner=ops team");
  expect((await new FileRecords(dir).get("web", idOf(2)))?.tags).toEqual({ owner: "ops team" });
  for (const word of ["bootlace:state=good", "aws:x=1", "=1", "release"])
    await expect(runCommand(imageTag, dir, ["web", word])).rejects.toMatchObject({ code: "E_USAGE" });
});

test("nothing starts from an image that is deprecated, until that is undone", async () => {
  const dir = await makeProject(PROJECT);
  await add(dir, "base", 2);
  const base = () => resolveBase({ dir, config: { region: undefined } as never }, "base", providerNamed("sandbox"));
  await expect(base()).resolves.toMatchObject({ kind: "layers" });
  await runCommand(imageDeprecate, dir, ["base"], { options: { reason: "old OpenSSL" } });
  await expect(base()).rejects.toMatchObject({
    code: "E_IMAGE_STATE",
    message: expect.stringContaining("deprecated: old OpenSSL"),
  });
  await add(dir, "base", 3, { state: "quarantined" });
  await expect(runCommand(imageDeprecate, dir, [`base/${idOf(3)}`], { options: { undo: true } })).rejects.toMatchObject(
    { code: "E_IMAGE_STATE" },
  );
  expect(await stateOf(dir, "base", 3)).toBe("quarantined");
  await runCommand(imageDeprecate, dir, [`base/${idOf(2)}`], { options: { undo: true } });
  await expect(base()).resolves.toMatchObject({ kind: "layers" });
});

test("an image whose files lie at another desk is shown with its place, and refused with what to do", async () => {
  const dir = await makeProject(PROJECT);
  await add(dir, "base", 2, {
    desk: { host: "build1", dir: "/srv/shop" },
    layers: [{ digest: "x", bytes: 1, file: "base/elsewhere.tar" }],
  });
  expect(await runCommand(imageLs, dir, [])).toContain("at build1:/srv/shop");
  const base = resolveBase({ dir, config: { region: undefined } as never }, "base", providerNamed("sandbox"));
  await expect(base).rejects.toMatchObject({
    code: "E_IMAGE_ELSEWHERE",
    message: expect.stringContaining("build1:/srv/shop"),
    hint: expect.stringContaining("bootlace build base"),
  });
  // One that was built here is taken, whatever another desk built since.
  await add(dir, "base", 1);
  expect((await startImage(dir, "base"))?.id).toBe(idOf(1));
});

test("image rm removes files and keeps the record; what another image stands on stays", async () => {
  const dir = await makeProject(PROJECT);
  const base = await add(dir, "base", 1);
  await add(dir, "web", 2, { parent: { name: "base", id: base.id }, lineage: base.lineage });
  const [baseId, webId] = [`base/${idOf(1)}`, `web/${idOf(2)}`];
  await expect(runCommand(imageRm, dir, [baseId], { yes: true })).rejects.toMatchObject({
    code: "E_IMAGE_IN_USE",
    message: expect.stringContaining(webId),
  });
  await expect(runCommand(imageRm, dir, ["base"], { yes: true })).rejects.toMatchObject({ code: "E_USAGE" });
  await expect(runCommand(imageRm, dir, [webId])).rejects.toMatchObject({
    code: "E_USAGE",
    hint: expect.stringContaining("--yes"),
  });
  expect(await runCommand(imageRm, dir, [webId], { options: { plan: true } })).toContain(`would remove ${webId}`);
  expect(hasLayer(dir, "web", 2)).toBe(true);
  // Together they can go, whichever is named first.
  await runCommand(imageRm, dir, [baseId, webId], { yes: true });
  expect([hasLayer(dir, "base", 1), hasLayer(dir, "web", 2)]).toEqual([false, false]);
  expect([await stateOf(dir, "base", 1), await stateOf(dir, "web", 2)]).toEqual(["gone", "gone"]);
  await expect(runCommand(imageRm, dir, [webId], { yes: true })).rejects.toMatchObject({ code: "E_IMAGE_STATE" });
});

test("image prune keeps as many as bootlace.yaml says, what is young, and what is in use", async () => {
  const dir = await makeProject(PROJECT);
  const base = await add(dir, "base", 1);
  const child = { parent: { name: "base", id: base.id }, lineage: base.lineage };
  for (const day of [2, 3, 4]) await add(dir, "base", day);
  await add(dir, "web", 5, child);
  await add(dir, "web", 6, { state: "quarantined" });
  await add(dir, "web", 7, { state: "deprecated" });
  for (const day of [8, 9]) await add(dir, "web", day);
  await add(dir, "web", 10, { state: "quarantined" });
  const prune = (args: string[], options = {}, yes = false) => runCommand(imagePrune, dir, args, { options, yes });
  const plan = await prune([], { plan: true });
  expect(plan.match(/would remove \S+/g)).toEqual([
    `would remove web/${idOf(7)}`,
    `would remove web/${idOf(6)}`,
    `would remove web/${idOf(5)}`,
    `would remove base/${idOf(1)}`,
  ]);
  // Without its child the base is not in the way of anything; with it, it is.
  expect(await prune(["base"], { plan: true })).toContain(`stays base/${idOf(1)}`);
  const days = (Date.now() - Date.UTC(2026, 10, 6, 13)) / 86_400_000;
  expect((await prune(["web"], { plan: true, olderThan: days * 86_400_000 })).match(/would/g)).toHaveLength(2);
  await prune(["web"], { keep: 1 }, true);
  expect(await Promise.all([5, 6, 7, 8, 9, 10].map((day) => stateOf(dir, "web", day)))).toEqual([
    "gone",
    "gone",
    "gone",
    "gone",
    "good",
    "quarantined",
  ]);
});

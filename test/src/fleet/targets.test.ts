import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, onTestFinished, test } from "vitest";
import { findTargets } from "../../../src/fleet/targets.ts";
import { removeFolder } from "../../../src/machine/machine-folder.ts";

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "bootlace-targets-"));
  onTestFinished(() => removeFolder(dir));
  writeFileSync(
    join(dir, "config"),
    "Host h1\n  HostName 10.0.0.5\n  User ops\nHost far\n  HostName 10.0.0.5\n  ProxyJump gate\n",
  );
  process.env.BOOTLACE_SSH_CONFIG = join(dir, "config");
});
afterEach(() => {
  delete process.env.BOOTLACE_SSH_CONFIG;
});

type Config = Parameters<typeof findTargets>[0];
const find = async (groups: Config["groups"], ...words: string[]) =>
  (await findTargets({ groups, machines: {} }, words, { dir })).map(({ name, services }) => [name, services]);

test("findTargets() gives a host what its group says, by whatever name, user or port it is typed", async () => {
  const groups = { game: { hosts: ["ops@10.0.0.5"], services: ["game"] } };
  for (const word of ["ops@10.0.0.5", "root@10.0.0.5", "10.0.0.5:22", "h1", "ops@h1"])
    expect(await find(groups, word)).toEqual([[word, ["game"]]]);
  expect(await find(groups, "10.0.0.5:2222")).toEqual([["10.0.0.5:2222", undefined]]);
  expect(await find(groups, "root@far")).toEqual([["root@far", undefined]]);
});

test("findTargets() takes one machine once, however often and differently it is named", async () => {
  const groups = { game: { hosts: ["h1", "ops@10.0.0.5", "h2"], services: ["game"] } };
  expect(await find(groups, "@game", "root@h1", "10.0.0.5:22")).toEqual([
    ["h1", ["game"]],
    ["h2", ["game"]],
  ]);
});

test("findTargets() refuses a host whose groups want different services, or another user, until one of them is named", async () => {
  const more = { a: { hosts: ["10.0.0.9"], login: "ops" }, b: { hosts: ["10.0.0.9"], login: "root" } };
  await expect(find(more, "10.0.0.9")).rejects.toMatchObject({
    code: "E_USAGE",
    message: expect.stringMatching(/@a and @b/),
  });
  expect(await find(more, "@b")).toEqual([["10.0.0.9", undefined]]);
  const other = { a: { hosts: ["h1"], services: ["x"] }, b: { hosts: ["ops@10.0.0.5"], services: ["y"] } };
  await expect(find(other, "root@10.0.0.5")).rejects.toMatchObject({ code: "E_USAGE" });
});

test.each(["10.0.0.9", "web.example"])("findTargets() says of %s how a host is written", async (word) => {
  await expect(find({}, word)).rejects.toMatchObject({
    code: "E_MACHINE_UNKNOWN",
    hint: `A host is written with its user: root@${word}.`,
  });
});

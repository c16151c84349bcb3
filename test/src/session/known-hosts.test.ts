import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { addKnownHost, projectKnownHosts } from "../../../src/session/add-known-host.ts";
import { hostKeyName, readKnownKeys } from "../../../src/session/known-hosts.ts";
import { makeSshKey, publicKeyBlob } from "../../../src/session/ssh-key.ts";

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "bootlace-known-"));
});
afterEach(() => rmSync(dir, { recursive: true }));

const key = makeSshKey("a host").public.split(" ").slice(0, 2).join(" ");
const file = () => join(dir, "known");

test.each([
  ["web.example", 22],
  ["WEB.example", 22],
  ["web.example", 2222],
  ["10.0.0.5", 22],
  ["10.0.0.50", 22],
  ["db.example", 22],
  ["::1", 22],
  ["::1", 2200],
  ["bad.example", 22],
  ["hashed.example", 22],
  ["hashed.example", 23],
  ["wXb.example", 22],
])("readKnownKeys() finds for %s port %d the lines that ssh-keygen -F finds", async (host, port) => {
  const lines = [
    "web.example",
    "[web.example]:2222",
    "10.0.0.?,!10.0.0.6",
    "*.example,!bad.example",
    "::1",
    "[::1]:2200",
  ];
  writeFileSync(file(), `hashed.example ${key}\n[hashed.example]:23 ${key}\n`);
  execFileSync("ssh-keygen", ["-q", "-H", "-f", file()], { stdio: "ignore" });
  const hashed = readFileSync(file(), "utf8");
  writeFileSync(file(), `# a comment\n\n${hashed}${lines.map((line) => `${line} ${key} comment\n`).join("")}`);
  const name = hostKeyName(host, port);
  const found = spawnSync("ssh-keygen", ["-F", name, "-f", file()], { encoding: "utf8" }).stdout;
  const oracle = [...found.matchAll(/found: line (\d+)/g)].map((match) => Number(match[1]));
  expect((await readKnownKeys([file()], [name])).map(({ line }) => line)).toEqual(oracle);
});

test("readKnownKeys() tells revoked keys and authorities from keys, and passes over what it does not know", async () => {
  writeFileSync(
    file(),
    `@revoked * ${key}\n@cert-authority *.example ${key}\n@new web.example ${key}\nweb.example\nweb.example ${key}\n`,
  );
  const found = await readKnownKeys([join(dir, "missing"), file()], ["web.example"]);
  expect(found.map(({ marker, line }) => [marker, line])).toEqual([
    ["revoked", 1],
    ["cert-authority", 2],
    ["key", 5],
  ]);
});

test("addKnownHost() writes what ssh-keygen reads, mode 0600, each line once", async () => {
  const blob = publicKeyBlob(key);
  await Promise.all(["[web]:2222", "db"].map((name) => addKnownHost(dir, name, blob)));
  await addKnownHost(dir, "db", blob);
  const written = projectKnownHosts(dir);
  expect(readFileSync(written, "utf8").split("\n").sort()).toEqual(["", `[web]:2222 ${key}`, `db ${key}`]);
  expect(statSync(written).mode & 0o777).toBe(0o600);
  expect(spawnSync("ssh-keygen", ["-F", "[web]:2222", "-f", written]).status).toBe(0);
});

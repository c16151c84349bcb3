import { appendFileSync, mkdtempSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeEach, expect, onTestFinished, test } from "vitest";
import { beginConsole, consoleTail, hearConsole, printedHostKeys } from "../../../../src/machine/console.ts";

const BOOT = "667ec3ff-2aa9-4188-ae33-c0b26623ed15";
const block = (key: string) =>
  `-----BEGIN SSH HOST KEY KEYS-----\r\nssh-ed25519 ${key}\r\n-----END SSH HOST KEY KEYS-----\r\n`;

let file: string;
beforeEach(() => {
  const dir = mkdtempSync(join(tmpdir(), "bootlace-console-"));
  file = join(dir, "console.log");
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
});

test("hearConsole() hears a word in any number of pieces, and keeps it under much that comes later", async () => {
  const from = await beginConsole(file, "start");
  const text = `bootlace[guest]: boot=${BOOT}\r\n${block("AAAA")}bootlace[guest]: ready\r\n`;
  for (let at = 0; at < text.length; at += 7) {
    appendFileSync(file, text.slice(at, at + 7));
    await hearConsole(file, from);
  }
  appendFileSync(file, "x".repeat(3_000_000));
  const heard = { boot: BOOT, hostKeys: ["ssh-ed25519 AAAA"], ready: true };
  expect(await hearConsole(file, from)).toEqual(heard);
  // What was read is not read again: it may be gone.
  const { size } = statSync(file);
  const again = readFileSync(file);
  writeFileSync(file, Buffer.alloc(size, "y"));
  expect(await hearConsole(file, from)).toEqual(heard);
  writeFileSync(file, again);
  appendFileSync(file, `bootlace[guest]: boot=${BOOT.replace("6", "7")}\r\n`);
  expect((await hearConsole(file, from)).ready).toBe(false);
});

test("hearConsole(), consoleTail() and printedHostKeys() work on a console that is larger than a string", async () => {
  writeFileSync(file, block("AAAA"));
  truncateSync(file, 550 * 1024 ** 2);
  appendFileSync(file, block("BBBB"));
  expect((await hearConsole(file, 0)).hostKeys).toEqual(["ssh-ed25519 BBBB"]);
  expect(await printedHostKeys(file)).toEqual(["ssh-ed25519 AAAA", "ssh-ed25519 BBBB"]);
  expect((await consoleTail(file, 0)).length).toBeLessThanOrEqual(64 * 1024);
});

test("beginConsole() keeps the end of a console that has grown, closed to others, and the next start is heard", async () => {
  writeFileSync(file, `${"a".repeat(5000)}${block("AAAA")}`, { mode: 0o600 });
  await hearConsole(file, 0);
  const from = await beginConsole(file, "start", 1000);
  expect(from).toBe(1000 + "\n--- start\n".length);
  expect(readFileSync(file, "utf8").endsWith(`${block("AAAA")}\n--- start\n`)).toBe(true);
  expect(statSync(file).mode & 0o777).toBe(0o600);
  appendFileSync(file, block("BBBB"));
  expect((await hearConsole(file, from)).hostKeys).toEqual(["ssh-ed25519 BBBB"]);
});

import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { placeSecrets } from "../../../src/machine/here/place-secrets.ts";
import { SecretValue } from "../../../src/machine/run/send-secrets.ts";
import { memoryFolder, pathsUnder } from "../../../stage2/index.ts";

test("placeSecrets() replaces a secret in one step: whoever reads meanwhile gets the old value or the new one, whole", async () => {
  const root = mkdtempSync(join(tmpdir(), "bootlace-secrets-"));
  const paths = pathsUnder(root);
  const memory = memoryFolder(paths) ?? "";
  onTestFinished(() => {
    for (const folder of [root, memory]) rmSync(folder, { recursive: true, force: true });
  });
  const file = join(memory, "secrets/web/token");
  const place = (letter: string) =>
    placeSecrets([new SecretValue("web", "token", Buffer.from(letter.repeat(100_000)))], paths);
  await place("a");
  const seen = new Set<string>();
  let reading = true;
  const reader = (async () => {
    while (reading) {
      seen.add(readFileSync(file, "utf8").replace(/^(.)\1{99999}$/, "whole"));
      await new Promise(setImmediate);
    }
  })();
  for (let at = 0; at < 50; at++) await place(at % 2 ? "a" : "b");
  reading = false;
  await reader;
  expect([...seen]).toEqual(["whole"]);
  expect(statSync(file).mode & 0o777).toBe(0o400);
  expect(statSync(dirname(file)).mode & 0o777).toBe(0o700);
  expect(readdirSync(dirname(file))).toEqual(["token"]);
});

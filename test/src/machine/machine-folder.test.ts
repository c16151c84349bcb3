import { chmodSync, mkdirSync, mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { claimJson, specFile, writeJson } from "../../../src/machine/machine-folder.ts";

test("claimJson() and writeJson() close the folder of a machine, also one that is there already", async () => {
  const dir = mkdtempSync(join(tmpdir(), "bootlace-folder-"));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  const mode = (name: string): number => statSync(dirname(specFile(dir, name))).mode & 0o777;
  await claimJson(specFile(dir, "new"), {});
  expect(mode("new")).toBe(0o700);
  mkdirSync(dirname(specFile(dir, "old")), { recursive: true });
  chmodSync(dirname(specFile(dir, "old")), 0o755);
  await writeJson(specFile(dir, "old"), {});
  expect(mode("old")).toBe(0o700);
});

import { execFile } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, onTestFinished, test } from "vitest";
import { removeFolder } from "../../../src/machine/machine-folder.ts";
import { assertInitsFirst } from "../../../src/recipe/demo/late-service.ts";
import type { Event } from "../../../stage2/index.ts";

const root = fileURLToPath(new URL("../../../", import.meta.url));

test("bootlace demo goes the whole way from any folder and leaves nothing", async () => {
  const run = promisify(execFile);
  if (!existsSync(join(root, "dist", "cli.mjs"))) await run(process.execPath, [join(root, "scripts", "build.mjs")]);
  const temporary = mkdtempSync(join(tmpdir(), "bootlace-demo-test-"));
  onTestFinished(() => removeFolder(temporary));
  const argv = [join(root, "bin", "bootlace.js"), "demo", "--json"];
  const options = { cwd: "/", env: { ...process.env, TMPDIR: temporary }, maxBuffer: 1 << 26 };
  const { stdout, stderr } = await run(process.execPath, argv, options);
  const last = JSON.parse(stdout.trim().split("\n").at(-1) ?? "");
  expect([stderr, last.k, last.parts.length]).toEqual(["", "demo", 6]);
  expect(readdirSync(temporary)).toEqual([]);
});

const start = (step: string): Event => ({ t: 0, k: "start", step, try: 1, why: "new" });

test("assertInitsFirst() refuses an update before the last init, and inits in another order", () => {
  const good = ["a.init", "b.init", "a.update"].map(start);
  expect(assertInitsFirst(good, ["a.init", "b.init"])).toEqual(["a.init", "b.init"]);
  const early = ["a.init", "a.update", "b.init"].map(start);
  expect(() => assertInitsFirst(early, ["a.init", "b.init"])).toThrow("before every update");
  expect(() => assertInitsFirst(good, ["b.init", "a.init"])).toThrow("before every update");
});

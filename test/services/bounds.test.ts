import { appendFileSync, mkdtempSync, openSync, rmSync, statSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { boundLog } from "../../services/bootlace/deploy-listener/bound-log.ts";
import { perMinute } from "../../services/bootlace/deploy-listener/per-minute.ts";

test("perMinute() lets so many through, and as many in the next minute", () => {
  const may = perMinute(2);
  expect([0, 1, 2, 59_999, 60_000].map(may)).toEqual([true, true, false, false, true]);
});

test("boundLog() empties a log above its bound under those who append to it, and keeps what it had", () => {
  const dir = mkdtempSync(join(tmpdir(), "bootlace-log-"));
  onTestFinished(() => rmSync(dir, { recursive: true }));
  const file = join(dir, "log");
  const held = openSync(file, "a");
  appendFileSync(file, "x".repeat(1_048_576));
  boundLog(file);
  expect(statSync(file).size).toBe(1_048_576);
  writeSync(held, "y");
  boundLog(file);
  writeSync(held, "z");
  expect([statSync(file).size, statSync(`${file}.old`).size]).toEqual([1, 1_048_577]);
});

import { execFileSync } from "node:child_process";
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { stripElf } from "../../../src/runtime/strip-elf.ts";

test("stripElf() leaves a Node that works, and finds nothing more to cut in what it made", () => {
  const folder = mkdtempSync(join(tmpdir(), "bootlace-strip-"));
  try {
    const whole = readFileSync(process.execPath);
    const stripped = stripElf(whole);
    const file = join(folder, "node");
    writeFileSync(file, stripped);
    chmodSync(file, 0o755);
    expect(execFileSync(file, ["-p", "process.version + new Intl.NumberFormat('de').format(1.5)"]).toString()).toBe(
      `${process.version}1,5\n`,
    );
    expect(stripped.length).toBeLessThanOrEqual(whole.length);
    expect(stripElf(stripped).equals(stripped)).toBe(true);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test.each([
  ["text", Buffer.from("#!/bin/sh\n".repeat(20))],
  ["a header alone", Buffer.concat([Buffer.from("\x7fELF\x02\x01", "latin1"), Buffer.alloc(58)])],
  ["a file that was cut off", readFileSync("/bin/ls").subarray(0, 5000)],
])("stripElf() refuses %s", (_name, bytes) => {
  expect(() => stripElf(bytes)).toThrow(/ELF/);
});

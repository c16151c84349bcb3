import { expect, test } from "vitest";
import { crashTorture } from "../../../src/selftest/crash-torture.ts";

test("crashTorture() kills after every journal write and at random moments, and every next run ends as if undisturbed", async () => {
  const cases: number[] = [];
  const report = await crashTorture({
    random: 10,
    onCase: (done) => cases.push(done),
    signal: new AbortController().signal,
  });
  expect(report.faults).toEqual([]);
  expect(report.writes).toBeGreaterThan(10);
  expect(cases).toHaveLength(report.writes + 10);
});

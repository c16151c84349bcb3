import { spawn } from "node:child_process";
import { expect, test } from "vitest";
import { identifyByPs, identifyProcess, isAlive } from "../../../src/machine/process-identity.ts";

test.each([
  ["identifyProcess() by /proc", identifyProcess],
  ["identifyByPs(), where there is no /proc,", identifyByPs],
])("%s names a living process for good and none for one that ended", async (_, identify) => {
  const child = spawn("sleep", ["1000"]);
  const pid = child.pid ?? 0;
  const first = identify(pid);
  expect(first).toMatchObject({ pid, start: expect.stringMatching(/\d/) });
  expect(identify(pid)).toEqual(first);
  child.kill("SIGKILL");
  await new Promise((resolve) => child.once("exit", resolve));
  expect(identify(pid)).toBeUndefined();
});

test("isAlive() is false for another process under the same pid", () => {
  const own = identifyProcess(process.pid);
  expect(own && isAlive(own)).toBe(true);
  expect(own && isAlive({ ...own, start: "1" })).toBe(false);
});

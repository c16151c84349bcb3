import { expect, test } from "vitest";
import { changedParts, type KeyInput, makeImageKey } from "../../../src/image/image-key.ts";
import type { Service } from "../../../stage2/index.ts";

const service = (name: string, digest: string): Service => ({ name, digest }) as Service;
const DAY = 86_400_000;
const input: KeyInput = {
  provider: "sandbox",
  arch: "x86_64",
  base: "b",
  roots: ["web"],
  closure: [service("base", "1"), service("web", "2")],
  runner: "r",
  runtime: "system",
  maxAge: 30 * DAY,
  now: 100 * DAY,
};

test("makeImageKey() gives one key for the same input in another order", () => {
  const other = { ...input, closure: [...input.closure].reverse() };
  expect(makeImageKey(other).key).toBe(makeImageKey(input).key);
});

test.each([
  ["provider", { provider: "qemu" }],
  ["arch", { arch: "arm64" }],
  ["base", { base: "c" }],
  ["roots", { roots: ["web", "base"] }],
  ["services", { closure: [service("base", "1"), service("web", "3")] }],
  ["services", { closure: [service("web", "2")] }],
  ["runner", { runner: "s" }],
  ["runtime", { runtime: "d" }],
  ["period", { now: 130 * DAY }],
])("makeImageKey() changes with %s, and changedParts() names it", (part, change) => {
  const [before, after] = [makeImageKey(input), makeImageKey({ ...input, ...change } as KeyInput)];
  expect(after.key).not.toBe(before.key);
  expect(changedParts(before.parts, after.parts)).toEqual([part]);
});

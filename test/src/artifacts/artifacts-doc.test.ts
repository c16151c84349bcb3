import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { ARTIFACT_BYTES } from "../../../src/artifacts/fetching.ts";
import { serviceSchema } from "../../../src/manifest/service-schema.ts";
import { ARTIFACT_LIMITS, CODES } from "../../../stage2/index.ts";

const page = readFileSync(new URL("../../../docs/artifacts.md", import.meta.url), "utf8");

test("docs/artifacts.md has a row for each key of an artifact", () => {
  const accepts = (keys: object): boolean =>
    serviceSchema.safeParse({ artifacts: { a: { from: "x", to: "/x", ...keys } } }).success;
  for (const [key, value] of Object.entries({
    unpack: true,
    user: "a",
    mode: "0755",
    sha256: "a".repeat(64),
    commit: "a",
  })) {
    expect(accepts({ [key]: value }), key).toBe(true);
    expect(page).toContain(`| \`${key}\` |`);
  }
  expect(accepts({ other: 1 })).toBe(false);
});

test("docs/artifacts.md names the bounds that the code has, and every code of artifacts", () => {
  const gib = (bytes: number): string => `${bytes / 1024 ** 3} GiB`;
  expect(page).toContain(
    `| artifacts | ${ARTIFACT_LIMITS.entries.toLocaleString("en")} | ${gib(ARTIFACT_LIMITS.bytes)} |`,
  );
  expect(page).toContain(`At most ${gib(ARTIFACT_BYTES)} each`);
  const codes = Object.keys(CODES).filter((code) => /^E_(?:ARTIFACT_(?!SOURCE|MISSING)|LOCK_FILE)/.test(code));
  for (const code of codes) expect(page).toContain(`| \`${code}\` |`);
});

import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { readBinary } from "../../../src/runtime/read-binary.ts";
import { checkArchive, unpackArchive } from "../../../src/unpack/unpack-archive.ts";
import { ARTIFACT_LIMITS } from "../../../stage2/index.ts";
import { HARMLESS_TAR, HOSTILE_TARS, tarOf } from "../../support/hostile-tars.ts";

let home: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "bootlace-unpack-"));
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

const options = { limits: ARTIFACT_LIMITS, what: "it" };
async function* of(bytes: Buffer): AsyncGenerator<Buffer> {
  yield bytes;
}
function tarball(tar: Buffer): string {
  const file = join(home, "package.tgz");
  writeFileSync(file, gzipSync(tar));
  return file;
}

test("unpackArchive() puts a whole tree in the place of the one before", async () => {
  const folder = join(home, "out");
  mkdirSync(folder);
  writeFileSync(join(folder, "old"), "");
  await unpackArchive(of(tarOf({ path: "new", body: "n" })), folder, options);
  expect(readdirSync(home)).toEqual(["out"]);
  expect(readdirSync(folder)).toEqual(["new"]);
});

test("unpackArchive() leaves what was there when it refuses", async () => {
  const folder = join(home, "out");
  mkdirSync(folder);
  writeFileSync(join(folder, "old"), "");
  const unpacked = unpackArchive(of(tarOf({ path: "a", body: "a" }, { path: "../b", body: "b" })), folder, options);
  await expect(unpacked).rejects.toMatchObject({
    code: "E_ARCHIVE",
    message: 'Refused to unpack it: it holds "../b", a path with ..',
  });
  expect([readdirSync(home), readdirSync(folder)]).toEqual([["out"], ["old"]]);
});

describe("checkArchive() and readBinary()", () => {
  test.each(HOSTILE_TARS)("refuse %s", async (_name, tar, why) => {
    const file = tarball(tar);
    const refusal = { code: "E_ARCHIVE", message: expect.stringMatching(why) };
    await expect(checkArchive(file, ARTIFACT_LIMITS, "it")).rejects.toMatchObject(refusal);
    await expect(readBinary(file, "plain")).rejects.toMatchObject({ code: "E_ARCHIVE" });
    expect(readdirSync(home)).toEqual(["package.tgz"]);
  });

  test("let through what is harmless", async () => {
    await expect(checkArchive(tarball(HARMLESS_TAR), ARTIFACT_LIMITS, "it")).resolves.toBeUndefined();
    const file = tarball(tarOf({ path: "package/bin/node", body: "binary", mode: 0o755 }, { path: "x", body: "x" }));
    expect((await readBinary(file, "package/bin/node")).toString()).toBe("binary");
    await expect(readBinary(file, "package/bin/npm")).rejects.toThrow("does not hold package/bin/npm");
  });
});

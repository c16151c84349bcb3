import { createHash } from "node:crypto";
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { obtainRuntime, runtimeCache } from "../../../src/runtime/obtain-runtime.ts";
import { deskArch, pinnedRuntime } from "../../../src/runtime/pinned.ts";

let home: string;
const { HOME, PATH, XDG_CACHE_HOME } = process.env;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "bootlace-runtime-"));
});
afterEach(() => {
  for (const [key, value] of Object.entries({ HOME, PATH, XDG_CACHE_HOME })) {
    if (value === undefined) delete process.env[key];
    else process.env[key] = value;
  }
  rmSync(home, { recursive: true, force: true });
});

/** Puts a program called npm first in PATH; `script` gets the folder for the tarball as `$4`. */
function fakeNpm(script: string): void {
  writeFileSync(join(home, "npm"), `#!/bin/sh\n${script}\n`);
  chmodSync(join(home, "npm"), 0o755);
  process.env.PATH = `${home}:${PATH}`;
  process.env.XDG_CACHE_HOME = home;
}

describe("obtainRuntime()", () => {
  test("brings the pinned runtime by `npm pack`, or has it in the desk's cache", async () => {
    const runtime = await obtainRuntime(deskArch());
    const blob = readFileSync(runtime.file);
    expect({ digest: createHash("sha256").update(blob).digest("hex"), bytes: blob.length }).toEqual({
      digest: pinnedRuntime(deskArch()).packed.digest,
      bytes: runtime.bytes,
    });
  });

  test("names the cache that cannot be made and how to choose another", async () => {
    writeFileSync(join(home, "file"), "");
    process.env.XDG_CACHE_HOME = join(home, "file", "cache");
    const other = deskArch() === "arm64" ? "x86_64" : "arm64";
    await expect(obtainRuntime(other)).rejects.toMatchObject({
      code: "E_DESK_FILES",
      message: expect.stringContaining(`${home}/file/cache`),
      hint: expect.stringContaining("XDG_CACHE_HOME"),
    });
  });

  test("says what npm said when npm fails, and leaves nothing behind", async () => {
    fakeNpm("echo 'npm error 404 no such package' >&2; exit 1");
    const other = deskArch() === "arm64" ? "x86_64" : "arm64";
    await expect(obtainRuntime(other)).rejects.toMatchObject({
      code: "E_RUNTIME_GET",
      message: expect.stringContaining("npm error 404 no such package"),
    });
    expect(readdirSync(runtimeCache())).toEqual([]);
  });

  test("throws away a package with other bytes than the pinned ones", async () => {
    fakeNpm('echo evil >"$4/node.tgz"');
    const other = deskArch() === "arm64" ? "x86_64" : "arm64";
    await expect(obtainRuntime(other)).rejects.toMatchObject({ code: "E_RUNTIME_DIGEST" });
    expect(readdirSync(runtimeCache())).toEqual([]);
  });
});

test("runtimeCache() follows XDG_CACHE_HOME, and ignores it when it is relative", () => {
  process.env.XDG_CACHE_HOME = "/var/cache/me";
  expect(runtimeCache()).toBe("/var/cache/me/bootlace/runtimes");
  process.env.XDG_CACHE_HOME = "cache";
  process.env.HOME = "/home/ann";
  expect(runtimeCache()).toBe("/home/ann/.cache/bootlace/runtimes");
});

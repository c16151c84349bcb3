import { execFileSync } from "node:child_process";
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { constants, createGzip, gzipSync } from "node:zlib";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { ArchiveError } from "../../stage2/archive/archive-error.ts";
import type { ArchiveLimits } from "../../stage2/archive/entry-rules.ts";
import { gunzipped, unpackTar } from "../../stage2/rim/unpack/unpack-tar.ts";
import { ESCAPED, HARMLESS_TAR, HOSTILE_TARS, tarOf } from "../support/hostile-tars.ts";

const LIMITS: ArchiveLimits = { entries: 1000, bytes: 1 << 24, links: true };

let home: string;
let folder: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "bootlace-archive-"));
  folder = join(home, "staging");
  mkdirSync(folder);
  writeFileSync(join(home, "beside"), "");
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

/** In pieces, as a pipe would give it. */
async function* pieces(bytes: Buffer, size = 700): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}
/** Path, kind, mode and content of everything in a folder. */
function tree(top: string): Record<string, string> {
  const found: Record<string, string> = {};
  for (const path of readdirSync(top, { recursive: true, encoding: "utf8" }).sort()) {
    const stat = lstatSync(join(top, path));
    found[path] = stat.isSymbolicLink()
      ? `→ ${readlinkSync(join(top, path))}`
      : `${(stat.mode & 0o7777).toString(8)} ${stat.isFile() ? readFileSync(join(top, path), "utf8") : ""}`;
  }
  return found;
}

describe("unpackTar()", () => {
  test.each(HOSTILE_TARS)("refuses %s, and writes nothing outside of its folder", async (_name, tar, why) => {
    const unpacked = unpackTar(pieces(tar), folder, LIMITS);
    await expect(unpacked).rejects.toThrow(ArchiveError);
    await expect(unpacked).rejects.toThrow(why);
    // No message may bring a control character to a terminal.
    await expect(unpacked.catch(({ message }) => message)).resolves.not.toMatch(/\p{Cc}/u);
    expect(readdirSync(home).sort()).toEqual(["beside", "staging"]);
    expect(existsSync(ESCAPED)).toBe(false);
  });

  test.each([1, 511, 512, 1 << 20])(
    "unpacks what is no danger as GNU tar does, in pieces of %i bytes",
    async (size) => {
      await unpackTar(pieces(HARMLESS_TAR, size), folder, LIMITS);
      const other = join(home, "other");
      mkdirSync(other);
      writeFileSync(join(home, "x.tar"), HARMLESS_TAR);
      // GNU tar's way with modes of who is not root.
      execFileSync("tar", ["-xf", join(home, "x.tar"), "-C", other, "--no-same-permissions", "--no-same-owner"], {
        stdio: "pipe",
      });
      expect(tree(folder)).toEqual(tree(other));
      expect(lstatSync(join(folder, "copy")).ino).toBe(lstatSync(join(folder, "bin/run")).ino);
    },
  );

  test.each([
    ["GNU tar", ["tar", "--format=gnu"]],
    ["GNU tar in pax format", ["tar", "--format=pax"]],
    ["GNU tar in ustar format", ["tar", "--format=ustar"]],
    ["busybox tar", ["busybox", "tar"]],
  ])("unpacks what %s writes", async (_name, [program = "", ...words]) => {
    const from = join(home, "from");
    mkdirSync(join(from, "d/e"), { recursive: true });
    writeFileSync(join(from, "d/e/run"), "#!/bin/sh\n", { mode: 0o755 });
    execFileSync("sh", ["-c", `ln -s d/e/run l && ln d/e/run h && : >${"n".repeat(90)}`], { cwd: from });
    const bytes = execFileSync(program, [...words, "-c", "-f", "-", "-C", from, "."]);
    await unpackTar(pieces(bytes), folder, LIMITS);
    expect(tree(folder)).toEqual(tree(from));
  });

  test("lets no link in where links are not allowed", async () => {
    const tar = tarOf({ path: "a", body: "a" }, { path: "l", type: "SymbolicLink", linkpath: "a" });
    await expect(unpackTar(pieces(tar), folder, { ...LIMITS, links: false })).rejects.toThrow('it holds "l", a link');
  });

  test("counts files, links and folders, also those that stand only in names", async () => {
    const tar = tarOf({ path: "a/b/c/d", body: "" }, { path: "e", body: "" });
    await expect(unpackTar(pieces(tar), folder, { ...LIMITS, entries: 4 })).rejects.toThrow(
      "more than 4 files and folders",
    );
    await expect(unpackTar(pieces(tar), join(folder, "again"), { ...LIMITS, entries: 5 })).resolves.toBeUndefined();
  });

  test("writes nothing of a file that says to be too long", async () => {
    const tar = tarOf({ path: "small", body: "s" }, { path: "big", body: "", size: 1 << 30 });
    await expect(unpackTar(pieces(tar), folder, LIMITS)).rejects.toThrow(`more than ${1 << 24} bytes`);
    expect(readdirSync(folder)).toEqual(["small"]);
  });

  test("reads no more of a gzip bomb than it may", async () => {
    let given = 0;
    const bomb = Readable.from(
      (function* () {
        // Many files, each short enough.
        for (; given < 1 << 10; given++)
          yield tarOf({ path: `f${given}`, body: Buffer.alloc(1 << 20) }).subarray(0, -1024);
      })(),
    ).pipe(createGzip({ level: constants.Z_BEST_SPEED }));
    await expect(unpackTar(gunzipped(bomb), folder, LIMITS)).rejects.toThrow(`more than ${1 << 24} bytes`);
    expect(readdirSync(folder).length).toBeLessThanOrEqual(16);
    expect(given).toBeLessThan(1 << 10);
  });

  test.each([
    ["no gzip", Buffer.from("rubbish, and enough of it"), /no gzip/],
    ["cut off", gzipSync(HARMLESS_TAR).subarray(0, 200), /cut off|damaged/],
    ["nothing", Buffer.alloc(0), /cut off/],
  ])("says of a tar.gz that it is %s", async (_name, bytes, why) => {
    await expect(unpackTar(gunzipped(Readable.from([bytes])), folder, LIMITS)).rejects.toThrow(why);
  });

  test("either refuses or stays in its folder, whatever bytes of an archive are changed", async () => {
    const outside = (): string =>
      execFileSync("find", [home, "-not", "-path", `${folder}/*`, "-printf", "%p %s %m\n"]).toString();
    const before = outside();
    let runs = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.nat(HARMLESS_TAR.length - 1), fc.nat(255)), { minLength: 1, maxLength: 6 }),
        async (changes) => {
          const bytes = Buffer.from(HARMLESS_TAR);
          for (const [at, value] of changes) bytes[at] = value;
          const into = join(folder, String(runs++));
          mkdirSync(into);
          await unpackTar(pieces(bytes), into, LIMITS).catch((error) => expect(error).toBeInstanceOf(ArchiveError));
        },
      ),
      { numRuns: 200 },
    );
    expect(outside()).toBe(before);
    expect(existsSync(ESCAPED)).toBe(false);
  });
});

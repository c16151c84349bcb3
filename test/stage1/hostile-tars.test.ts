import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { tarStream } from "../../src/bundle/tar-stream.ts";
import { busyboxPath } from "../support/busybox-path.ts";
import { ESCAPED, HOSTILE_TARS } from "../support/hostile-tars.ts";

let home: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "bootlace-hostile-"));
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

/** Calls `unpack` of stage1/verify; 0 when it unpacked. */
function unpack(tar: Buffer, path: string): number | null {
  const [blob, folder] = [join(home, "blob"), join(home, "new")];
  writeFileSync(blob, gzipSync(tar));
  const script = 'here=stage1; . stage1/fetch; . stage1/verify; exec 9>/dev/null; unpack "$1" "$2" "$3"';
  const env = { PATH: path, LC_ALL: "C" };
  return spawnSync("sh", ["-c", script, "sh", blob, folder, String(tar.length)], { env }).status;
}

describe.each([
  ["GNU tar", () => process.env.PATH ?? ""],
  ["busybox tar", () => busyboxPath(home)],
])("unpack() of stage1 with %s", (_tools, path) => {
  test("lets a plain bundle in", () => {
    expect(unpack(tarStream([{ path: "a/b", mode: 0o755, bytes: Buffer.from("b") }]), path())).toBe(0);
    expect(readdirSync(join(home, "new/a"))).toEqual(["b"]);
  });

  test.each(HOSTILE_TARS)("refuses %s, or finds nothing but plain files and folders in it", (_name, tar) => {
    mkdirSync(join(home, "beside"));
    const status = unpack(tar, path());
    expect(existsSync(ESCAPED)).toBe(false);
    expect(readdirSync(join(home, "beside"))).toEqual([]);
    if (status !== 0) return;
    const odd = ["!", "-type", "f", "!", "-type", "d", "-o", "-perm", "/7000", "-o", "-name", "*[! -~]*"];
    const found = spawnSync("find", [join(home, "new"), ...odd], {
      encoding: "utf8",
      env: { ...process.env, LC_ALL: "C" },
    });
    expect(found.stdout).toBe("");
  });
});

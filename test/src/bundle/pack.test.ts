import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { BundleInput } from "../../../src/bundle/bundle-files.ts";
import { canonicalJson } from "../../../src/bundle/canonical-json.ts";
import { gzip } from "../../../src/bundle/gzip.ts";
import { packBundle } from "../../../src/bundle/pack.ts";
import { tarStream } from "../../../src/bundle/tar-stream.ts";
import { writeTree } from "../../../src/bundle/write-tree.ts";

let home: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "bootlace-bundle-"));
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

function project(dir: string, names: readonly string[] = ["a.sh", "b/c.txt"]): BundleInput {
  const files = names.map((name) => {
    const file = join(dir, "services/web", name);
    mkdirSync(join(file, ".."), { recursive: true });
    writeFileSync(file, `content of ${name}\n`);
    return { path: `services/web/${name}`, mode: name.endsWith(".sh") ? 0o755 : 0o644, content: { file } } as const;
  });
  return { dir, project: { format: 1, name: "shop", roots: [], services: [] }, files };
}

describe("packBundle()", () => {
  test("makes the same bytes from the same project, whatever folder, umask, time zone, file times and file order", async () => {
    const one = await packBundle(project(join(home, "one")));
    const before = { umask: process.umask(0o077), zone: process.env.TZ };
    process.env.TZ = "Pacific/Auckland";
    try {
      const input = project(join(home, "two"), ["b/c.txt", "a.sh"]);
      for (const { content } of input.files) if ("file" in content) utimesSync(content.file, 1e9, 1e9);
      const two = await packBundle(input);
      expect(readFileSync(two.file).equals(readFileSync(one.file))).toBe(true);
      expect(two.digest).toBe(one.digest);
    } finally {
      process.umask(before.umask);
      if (before.zone === undefined) delete process.env.TZ;
      else process.env.TZ = before.zone;
    }
  });

  test("names the file by its digest and says both lengths", async () => {
    const bundle = await packBundle(project(home));
    const blob = readFileSync(bundle.file);
    expect(bundle).toEqual({
      digest: createHash("sha256").update(blob).digest("hex"),
      bytes: blob.length,
      unpackedBytes: gunzipSync(blob).length,
      file: join(home, ".bootlace/cache/bundles", `${bundle.digest}.tar.gz`),
    });
  });

  test("holds only files and folders of root with two modes, which GNU tar unpacks as they were", async () => {
    const { file } = await packBundle(project(home));
    const lines = execFileSync("tar", ["-tvzf", file]).toString().trim().split("\n");
    expect(lines.filter((line) => !/^(-rw-r--r--|-rwxr-xr-x|drwxr-xr-x) 0\/0 /.test(line))).toEqual([]);
    const out = join(home, "out");
    mkdirSync(out);
    execFileSync("tar", ["-xzf", file, "-C", out]);
    expect(readFileSync(join(out, "services/web/b/c.txt"), "utf8")).toBe("content of b/c.txt\n");
    expect(readdirSync(out).sort()).toEqual([
      "artifacts.list",
      "project.json",
      "services",
      "stage1",
      "stage2.mjs",
      "version",
    ]);
    expect(statSync(join(out, "stage1/stage1")).mode & 0o777).toBe(0o755);
  });
});

test("writeTree() writes what packBundle() packs, whatever the umask", async () => {
  const input = project(home);
  const { file } = await packBundle(input);
  const [packed, written] = [join(home, "packed"), join(home, "written")];
  mkdirSync(packed);
  execFileSync("tar", ["-xzf", file, "-C", packed]);
  const umask = process.umask(0o027);
  try {
    await writeTree(input, written);
  } finally {
    process.umask(umask);
  }
  expect(execFileSync("diff", ["-r", packed, written]).toString()).toBe("");
  expect(statSync(join(written, "services/web/a.sh")).mode & 0o777).toBe(0o755);
  expect(statSync(join(written, "services/web")).mode & 0o777).toBe(0o755);
});

describe("tarStream()", () => {
  const file = (path: string) => ({ path, mode: 0o644, bytes: Buffer.from("x") }) as const;

  test.each(["", "/etc/passwd", "../x", "a/../b", "a//b", "./a", "a/", "ü", "a\nb", "a\\b", "a?", "a -> b", " a"])(
    "refuses the path %j",
    (path) => {
      expect(() => tarStream([file(path)])).toThrow(expect.objectContaining({ code: "E_BUNDLE_NAME" }));
    },
  );

  test("refuses a path twice, as a file and a folder, and too long", () => {
    for (const paths of [["a", "a"], ["a", "a/b"], [`${"d/".repeat(120)}${"f".repeat(101)}`], ["f".repeat(101)]]) {
      expect(() => tarStream(paths.map(file))).toThrow(expect.objectContaining({ code: "E_BUNDLE_NAME" }));
    }
  });

  test("refuses more files than a machine takes", () => {
    const many = Array.from({ length: 20_001 }, (_, at) => file(`f${at}`));
    expect(() => tarStream(many)).toThrow(expect.objectContaining({ code: "E_BUNDLE_LIMIT" }));
  });
});

describe("gzip()", () => {
  test("has a fixed header and bytes that are pinned, since every machine must come to the same", async () => {
    const blob = await gzip(Buffer.from("bootlace ".repeat(1000)), 6);
    expect([...blob.subarray(0, 10)]).toEqual([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3]);
    expect(createHash("sha256").update(blob).digest("hex")).toBe(
      "57c7c1111be562cf7e24e2770aeafac3d48e4020d5542191abbf4a7224cb50f1",
    );
    expect(gunzipSync(blob).toString()).toBe("bootlace ".repeat(1000));
  });

  test.each([0, 1, 4 * 1024 * 1024, 4 * 1024 * 1024 + 1])("packs %d bytes whole", async (length) => {
    expect(gunzipSync(await gzip(Buffer.alloc(length, 7), 4)).length).toBe(length);
  });
});

test("canonicalJson() does not depend on the order of keys", () => {
  expect(canonicalJson({ b: [{ d: 1, c: undefined }], a: null })).toBe('{"a":null,"b":[{"d":1}]}\n');
  expect(canonicalJson({ a: null, b: [{ d: 1 }] })).toBe('{"a":null,"b":[{"d":1}]}\n');
});

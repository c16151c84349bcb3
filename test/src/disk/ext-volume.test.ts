import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, renameSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, expect, onTestFinished, test } from "vitest";
import { ExtVolume } from "../../../src/disk/ext-volume.ts";
import { needlesFor } from "../../../src/seal/needles.ts";
import { findUnclean } from "../../../src/seal/verify-clean.ts";
import { ensureDebianPackages } from "../../support/debian.ts";
import { makeProject } from "../../support/small-project.ts";

beforeAll(() => ensureDebianPackages(["e2fsprogs"]));
const sh = (script: string, ...args: string[]) =>
  execFileSync("sh", ["-euc", script, "sh", ...args], { stdio: ["ignore", "pipe", "pipe"] }).toString();

/** A file system of a root tree, changed by debugfs; without checksums, so that bytes of it may be replaced. */
async function volumeOf(files: Record<string, string>, commands = "", name = "disk.raw") {
  const dir = await makeProject(Object.fromEntries(Object.entries(files).map(([path, text]) => [`root${path}`, text])));
  mkdirSync(join(dir, "root"), { recursive: true });
  const file = join(dir, name);
  sh('truncate -s 32M "$1/fs"; mkfs.ext4 -q -O ^metadata_csum -d "$1/root" "$1/fs"', dir);
  if (commands) sh('printf %s "$2" | debugfs -w -f - "$1/fs" 2>&1', dir, `${commands}\n`);
  renameSync(join(dir, "fs"), file);
  return { dir, file, volume: new ExtVolume(file, 0) };
}

const KEY = `-----BEGIN PRIVATE KEY-----\n${"MC4CAQAwBQYDK2VwBCIEIA".repeat(3)}\n-----END PRIVATE KEY-----\n`;
const search = (file: string) =>
  findUnclean(
    { kind: "disk", path: file, written: [{ start: 0, length: 32 * 1024 ** 2 }] },
    needlesFor({ name: "the token", value: "Hunter2+Secret" }),
  );

test("findUnclean() writes nothing where a name on the disk leads to", async () => {
  const target = `/tmp/bl-escape-${process.pid}.md5sums`;
  const up = `${"../".repeat(8)}${target.slice(1)}`;
  const stand = "X".repeat(up.length);
  const { file } = await volumeOf({
    [`/var/lib/dpkg/info/${stand}`]: "planted\n",
    "/var/lib/dpkg/info/good.md5sums": "0\n",
    "/srv/key.pem": KEY,
  });
  sh('perl -0777 -pi -e "s/\\Q$2\\E/$3/" "$1"', file, stand, up.replaceAll("/", "\\/"));
  expect(readFileSync(file).includes(up)).toBe(true);
  onTestFinished(() => void sh('rm -f "$1"', target));
  expect((await search(file)).map(({ path }) => path)).toEqual(["/srv/key.pem"]);
  expect(existsSync(target)).toBe(false);
});

test("list() looks once into a folder that lies in itself, and counts what it finds", async () => {
  const { volume } = await volumeOf({ "/a/b/file": "x" }, "link /a /a/b/loop\nlink / /a/root");
  expect((await volume.list()).map(({ path }) => path).sort()).toEqual([
    "/a",
    "/a/b",
    "/a/b/file",
    "/a/b/loop",
    "/a/root",
    "/lost+found",
  ]);
  await expect(volume.list(3)).rejects.toMatchObject({
    code: "E_DISK_UNREADABLE",
    message: expect.stringContaining("more than 3 files"),
  });
});

test("readHead() of a file of 40 GB reads its beginning alone, and read() refuses it", async () => {
  const { volume } = await volumeOf({ "/big": "the beginning" }, `sif /big size ${40 * 1024 ** 3}`);
  const big = await volume.find("/big");
  if (!big) throw new Error("the file was just written");
  expect(big.size).toBe(40 * 1024 ** 3);
  expect((await volume.readHead(big, 13)).toString()).toBe("the beginning");
  expect((await volume.readHead(big, 1 << 20)).length).toBe(1 << 20);
  await expect(volume.read(big)).rejects.toMatchObject({ code: "E_DISK_UNREADABLE" });
});

test("ExtVolume reads a disk whose path has a question mark, with a space and a quote in TMPDIR", async () => {
  const { dir, file } = await volumeOf({ "/etc/passwd": "root:x:0:0\n" });
  const odd = join(dir, 'what? a "folder"');
  mkdirSync(odd);
  const moved = join(odd, "disk.raw");
  renameSync(file, moved);
  const { TMPDIR } = process.env;
  process.env.TMPDIR = odd;
  onTestFinished(() => {
    if (TMPDIR === undefined) delete process.env.TMPDIR;
    else process.env.TMPDIR = TMPDIR;
  });
  const volume = new ExtVolume(moved, 0);
  const passwd = await volume.find("/etc/passwd");
  expect(passwd && (await volume.read(passwd)).toString()).toBe("root:x:0:0\n");
  expect((await volume.free()).length).toBeGreaterThan(0);
});

test("ownersOf() names the files of more places than one line of debugfs takes", async () => {
  const { volume } = await volumeOf({ "/data": "D".repeat(8192) });
  const offsets = Array.from({ length: 3000 }, (_, index) => (index + 4096) * 1024);
  expect((await volume.ownersOf(offsets)).length).toBe(3000);
});

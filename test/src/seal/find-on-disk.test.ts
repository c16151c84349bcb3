import { execFileSync } from "node:child_process";
import { generateKeyPairSync } from "node:crypto";
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { ExtVolume } from "../../../src/disk/ext-volume.ts";
import { findVolumes } from "../../../src/disk/volumes.ts";
import { needlesFor } from "../../../src/seal/needles.ts";
import { findUnclean } from "../../../src/seal/verify-clean.ts";
import { ensureDebianPackages } from "../../support/debian.ts";
import { makeProject } from "../../support/small-project.ts";

beforeAll(() => ensureDebianPackages(["e2fsprogs", "fdisk"]));

const TOKEN = "Hunter2+Secret";
const MiB = 1024 ** 2;
const KEY = generateKeyPairSync("ed25519").privateKey.export({ type: "pkcs8", format: "pem" }).toString();
const sh = (script: string, ...args: string[]) =>
  execFileSync("sh", ["-euc", script, "sh", ...args], { stdio: ["ignore", "pipe", "pipe"] }).toString();

interface Disk {
  readonly file: string;
  readonly start: number;
}

/** A disk of a root tree: one ext4 file system, at its beginning or in the second partition of a table. */
async function diskOf(files: Record<string, string>, table?: "gpt" | "dos"): Promise<Disk> {
  const dir = await makeProject(Object.fromEntries(Object.entries(files).map(([path, text]) => [`root${path}`, text])));
  const file = join(dir, "disk.raw");
  sh('mkdir -p "$1/root"; truncate -s 32M "$1/fs"; mkfs.ext4 -q -d "$1/root" "$1/fs"', dir);
  if (!table) {
    sh('mv "$1" "$2"', join(dir, "fs"), file);
    return { file, start: 0 };
  }
  sh(
    'truncate -s 40M "$1"; printf "label: %s\\nstart=2048,size=2048\\nstart=4096,size=65536\\n" "$2" | sfdisk -q "$1"; dd if="$3" of="$1" bs=1M seek=2 conv=notrunc,sparse 2>/dev/null',
    file,
    table,
    join(dir, "fs"),
  );
  return { file, start: 2 * MiB };
}

async function found(
  disk: Disk,
  needles = needlesFor({ name: "the token", value: TOKEN }),
): Promise<readonly string[]> {
  const written = [{ start: 0, length: 40 * MiB }];
  return (await findUnclean({ kind: "disk", path: disk.file, written }, needles)).map(({ path, what, service }) =>
    [`${path}: ${what}`, ...(service ? [`of ${service}`] : [])].join(" "),
  );
}

test.each([undefined, "gpt", "dos"] as const)(
  "findUnclean() names file and service of what it finds on a disk (table: %s)",
  async (table) => {
    const disk = await diskOf(
      {
        "/srv/app/deep/config": `x\n${TOKEN}\n`,
        "/srv/app/encoded": Buffer.from(`user:${TOKEN}`).toString("base64"),
        "/var/lib/bootlace/state/shop/notes": TOKEN,
        "/etc/ssh/ssh_host_rsa_key": "k",
        "/etc/machine-id": "0123\n",
        "/var/log/syslog": "",
        "/var/log/auth.log": "builder\n",
        "/root/.ssh/id": KEY,
        "/srv/key.pem": KEY,
        "/srv/plain": "nothing",
      },
      table,
    );
    expect([...(await found(disk))].sort()).toEqual([
      "/etc/machine-id: a machine-id",
      "/etc/ssh/ssh_host_rsa_key: an SSH host key",
      "/root/.ssh/id: a private key",
      "/srv/app/deep/config: the token",
      "/srv/app/encoded: the token (encoded)",
      "/srv/key.pem: a private key",
      "/var/lib/bootlace/state/shop/notes: the token of shop",
      "/var/log/auth.log: a log with content",
    ]);
  },
);

const NOBODYS = "no file's block (an extended attribute, or free space): the token";
const plant = (disk: Disk, at: number) =>
  sh('printf %s "$2" | dd of="$1" bs=1 seek="$3" conv=notrunc 2>/dev/null', disk.file, TOKEN, String(at));

test("findUnclean() finds a value in a file's name and behind the last partition", async () => {
  const disk = await diskOf({ [`/srv/${TOKEN}`]: "" }, "gpt");
  plant(disk, 36 * MiB);
  expect([...(await found(disk))].sort()).toEqual([
    "/srv: the token",
    `outside of every file system, byte ${36 * MiB}: the token`,
  ]);
});

test("findUnclean() finds a value in an extended attribute", async () => {
  const disk = await diskOf({ "/srv/tagged": "" });
  sh('debugfs -w -R "ea_set /srv/tagged user.t $2" "$1" 2>&1', disk.file, `x${TOKEN}`);
  expect(await found(disk)).toEqual([NOBODYS]);
});

test("findUnclean() finds a value in free space", async () => {
  const disk = await diskOf({});
  plant(disk, ((await new ExtVolume(disk.file, 0).free()).at(-1)?.start ?? 0) + 4096);
  expect(await found(disk)).toEqual([NOBODYS]);
});

test("findUnclean() leaves out a key that a package brought, and finds the same key changed", async () => {
  const sum = (text: string) => sh('printf %s "$1" | md5sum | cut -c-32', text).trim();
  const info = { "/var/lib/dpkg/info/tests.md5sums": `${sum(KEY)}  usr/share/tests/key.pem\n` };
  const disk = await diskOf({ ...info, "/usr/share/tests/key.pem": KEY, "/usr/share/tests/own.pem": `${KEY}\n` });
  expect(await found(disk)).toEqual(["/usr/share/tests/own.pem: a private key"]);
});

test("findUnclean() finds a value that lies across two chunks or across two ranges that touch", async () => {
  const disk = await diskOf({}, "gpt");
  plant(disk, 36 * MiB - 5);
  const needles = needlesFor({ name: "it", value: TOKEN });
  const at = async (...written: { start: number; length: number }[]) =>
    (await findUnclean({ kind: "disk", path: disk.file, written }, needles)).map(({ path }) => path);
  const place = [`outside of every file system, byte ${36 * MiB - 5}`];
  expect(await at({ start: 32 * MiB, length: 8 * MiB })).toEqual(place);
  expect(await at({ start: 35 * MiB, length: MiB }, { start: 36 * MiB, length: MiB })).toEqual(place);
  expect(await at({ start: 35 * MiB, length: MiB })).toEqual([]);
});

test("findVolumes() names the file systems that it does not read further", async () => {
  const disk = await diskOf({}, "dos");
  sh('printf XFSB | dd of="$1" bs=1M seek=1 conv=notrunc 2>/dev/null', disk.file);
  expect(await findVolumes(disk.file)).toEqual([
    { start: MiB, length: MiB, kind: "xfs" },
    { start: 2 * MiB, length: 32 * MiB, kind: "ext" },
  ]);
});

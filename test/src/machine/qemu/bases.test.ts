import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  appendFileSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeEach, expect, onTestFinished, test } from "vitest";
import { withFileLock } from "../../../../src/machine/file-lock.ts";
import { cachedDisk } from "../../../../src/machine/qemu/cache.ts";
import { fetchedBase } from "../../../../src/machine/qemu/fetched-base.ts";
import { fileBase } from "../../../../src/machine/qemu/file-base.ts";
import { qemuProvider } from "../../../../src/machine/qemu/qemu-provider.ts";
import { unusedDisks } from "../../../../src/machine/qemu/unused-disks.ts";
import { ownCache } from "../../../support/cache-folder.ts";
import { ensureDebianPackages } from "../../../support/debian.ts";

const sha256 = (bytes: Buffer): string => createHash("sha256").update(bytes).digest("hex");
/** As raw as a disk can be: nothing but the mark of a boot sector. */
const DISK = Buffer.alloc(1_300_000, "disk ");
DISK.writeUInt16LE(0xaa55, 510);
const DIGEST = sha256(DISK);
const quick = { pause: async () => {} };

let dir: string;
let cache: string;
beforeEach(() => {
  ensureDebianPackages(["qemu-utils"]);
  cache = ownCache();
  dir = mkdtempSync(join(tmpdir(), "bootlace-bases-"));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
});

const qemuImg = (...args: string[]): string => execFileSync("qemu-img", args, { cwd: dir, encoding: "utf8" });

test("fileBase() keeps a raw disk under its digest, so that machines do not notice when the file changes", async () => {
  const file = join(dir, "disk.raw");
  writeFileSync(file, DISK);
  const base = await fileBase(file);
  expect(base).toEqual({ digest: DIGEST, format: "raw", boot: "disk" });
  appendFileSync(file, "changed");
  expect(readFileSync(cachedDisk(base))).toEqual(DISK);
  expect((await fileBase(file)).digest).not.toBe(DIGEST);
  expect(readdirSync(join(cache, "bootlace/qemu/disks")).filter((name) => name.startsWith("making"))).toEqual([]);
});

test("fileBase() takes a qcow2 as it is, and makes one whole that stands on another", async () => {
  qemuImg("create", "-q", "-f", "qcow2", "below.qcow2", "1M");
  qemuImg("create", "-q", "-f", "qcow2", "-F", "qcow2", "-b", "below.qcow2", "above.qcow2");
  expect((await fileBase(join(dir, "below.qcow2"))).digest).toBe(sha256(readFileSync(join(dir, "below.qcow2"))));
  const above = await fileBase(join(dir, "above.qcow2"));
  expect(JSON.parse(qemuImg("info", "--output=json", cachedDisk(above)))).not.toHaveProperty("backing-filename");
});

test("fileBase() refuses a packed file and another format, with the command that makes it right", async () => {
  const file = join(dir, "disk.img.xz");
  writeFileSync(file, Buffer.from("fd377a585a000000", "hex"));
  await expect(fileBase(file)).rejects.toMatchObject({ code: "E_QEMU_BASE", hint: expect.stringContaining("unxz") });
  qemuImg("create", "-q", "-f", "vmdk", "disk.vmdk", "1M");
  await expect(fileBase(join(dir, "disk.vmdk"))).rejects.toMatchObject({
    message: expect.stringContaining("is vmdk, expected qcow2 or raw"),
  });
  await expect(fileBase(join(dir, "none"))).rejects.toMatchObject({ code: "E_QEMU_BASE" });
});

test("fileBase() and fetchedBase() refuse a qcow2 whose content lies in another file", async () => {
  qemuImg("create", "-q", "-f", "qcow2", "-o", "data_file=data.raw,data_file_raw=on", "disk.qcow2", "1M");
  const refused = { code: "E_QEMU_BASE", message: expect.stringContaining("external data file") };
  await expect(fileBase(join(dir, "disk.qcow2"))).rejects.toMatchObject(refused);
  const bytes = readFileSync(join(dir, "disk.qcow2"));
  const { url } = await serve((_, response) => Boolean(response.end(bytes)));
  await expect(fetchedBase({ kind: "url", url, sha256: sha256(bytes) })).rejects.toMatchObject(refused);
});

test.each([
  ["json:", 'json:{"driver":"raw","file":{"driver":"file","filename":"/etc/hostname"}}'],
  ["a protocol", "nbd://127.0.0.1:1/x"],
  ["an absolute path", "/etc/hostname"],
  ["a path that goes up", "../../etc/hostname"],
  ["a symbolic link", "link"],
  ["nothing that is there", "none.raw"],
])("fileBase() refuses a chain whose second link stands on %s, and names the link", async (_, name) => {
  symlinkSync("/etc/hostname", join(dir, "link"));
  qemuImg("create", "-q", "-u", "-f", "qcow2", "-F", "raw", "-b", name, "middle.qcow2", "1M");
  qemuImg("create", "-q", "-u", "-f", "qcow2", "-F", "qcow2", "-b", "middle.qcow2", "top.qcow2", "1M");
  await expect(fileBase(join(dir, "top.qcow2"))).rejects.toMatchObject({
    code: "E_QEMU_BASE",
    message: expect.stringMatching(/middle\.qcow2 stands on /),
    hint: expect.stringContaining("qemu-img convert"),
  });
});

test("fileBase() refuses a disk that stands on itself, and one that stands on another format", async () => {
  qemuImg("create", "-q", "-u", "-f", "qcow2", "-F", "qcow2", "-b", "other.qcow2", "self.qcow2", "1M");
  qemuImg("create", "-q", "-u", "-f", "qcow2", "-F", "qcow2", "-b", "self.qcow2", "other.qcow2", "1M");
  await expect(fileBase(join(dir, "self.qcow2"))).rejects.toMatchObject({
    message: expect.stringContaining("stands on itself"),
  });
  qemuImg("create", "-q", "-f", "vmdk", "below.vmdk", "1M");
  qemuImg("create", "-q", "-f", "qcow2", "-F", "vmdk", "-b", "below.vmdk", "on-vmdk.qcow2");
  await expect(fileBase(join(dir, "on-vmdk.qcow2"))).rejects.toMatchObject({
    message: expect.stringContaining("which is vmdk, expected qcow2 or raw"),
  });
});

test("fileBase() refuses a file that is no disk: one that is small, and one without boot sector and file system", async () => {
  await expect(fileBase("/etc/hostname")).rejects.toMatchObject({
    code: "E_QEMU_BASE",
    message: expect.stringContaining("/etc/hostname is no disk image"),
  });
  writeFileSync(join(dir, "text"), Buffer.alloc(2_000_000, "text "));
  await expect(fileBase(join(dir, "text"))).rejects.toMatchObject({
    message: expect.stringContaining("neither a boot sector nor a file system"),
  });
});

/** A server of one file, with ranges; `answer` may take a request first. */
async function serve(answer: (request: IncomingMessage, response: ServerResponse) => boolean = () => false) {
  const asked: (string | undefined)[] = [];
  const server = createServer((request, response) => {
    asked.push(request.headers.range);
    if (answer(request, response)) return;
    const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? "")?.[1] ?? 0);
    const headers = { "content-length": DISK.length - from, connection: "close" };
    response.writeHead(from > 0 ? 206 : 200, headers).end(DISK.subarray(from));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => void server.close());
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/disk.raw`, asked };
}

test("fetchedBase() goes on where a connection broke, and asks nobody when the disk is in the cache", async () => {
  let cut = false;
  const { url, asked } = await serve((_, response) => {
    if (cut) return false;
    cut = true;
    response.writeHead(200, { "content-length": DISK.length });
    response.write(DISK.subarray(0, 100_000), () => response.destroy());
    return true;
  });
  const base = await fetchedBase({ kind: "url", url, sha256: DIGEST }, undefined, quick);
  expect(base).toEqual({ digest: DIGEST, format: "raw", boot: "disk" });
  expect(asked).toEqual([undefined, expect.stringMatching(/^bytes=[1-9]\d*-$/)]);
  expect(await fetchedBase({ kind: "url", url, sha256: DIGEST })).toEqual(base);
  expect(asked).toHaveLength(2);
});

test("fetchedBase() goes on where another command was killed, by a digest of SHA-512 too", async () => {
  const { url, asked } = await serve();
  const sha512 = createHash("sha512").update(DISK).digest("hex");
  const downloads = join(cache, "bootlace/qemu/downloads");
  execFileSync("mkdir", ["-p", downloads]);
  writeFileSync(join(downloads, `${sha512}.part`), DISK.subarray(0, 1234));
  expect((await fetchedBase({ kind: "url", url, sha512 })).digest).toBe(DIGEST);
  expect(asked).toEqual(["bytes=1234-"]);
});

test("fetchedBase() begins anew when what was left is of other bytes", async () => {
  const { url, asked } = await serve();
  const downloads = join(cache, "bootlace/qemu/downloads");
  execFileSync("mkdir", ["-p", downloads]);
  writeFileSync(join(downloads, `${DIGEST}.part`), "something else");
  expect((await fetchedBase({ kind: "url", url, sha256: DIGEST })).digest).toBe(DIGEST);
  expect(asked).toEqual(["bytes=14-", undefined]);
});

test("fetchedBase() refuses other bytes than the digest names, and keeps none of them", async () => {
  const { url } = await serve();
  const other = "0".repeat(64);
  const tried = fetchedBase({ kind: "url", url, sha256: other }, undefined, quick);
  await expect(tried).rejects.toMatchObject({ code: "E_QEMU_BASE", message: expect.stringContaining(DIGEST) });
  expect(existsSync(join(cache, "bootlace/qemu/downloads", `${other}.part`))).toBe(false);
});

test("fetchedBase() wants a digest, and tells an answer that trying again does not change", async () => {
  await expect(fetchedBase({ kind: "url", url: "https://x.example/d" })).rejects.toMatchObject({
    code: "E_QEMU_BASE",
    message: expect.stringContaining("sha256 or sha512 is required"),
  });
  const { url, asked } = await serve((_, response) => Boolean(response.writeHead(404).end()));
  const tried = fetchedBase({ kind: "url", url, sha256: DIGEST }, undefined, quick);
  await expect(tried).rejects.toMatchObject({
    message: expect.stringContaining("HTTP 404"),
    hint: expect.not.stringContaining("kept"),
  });
  expect(asked).toHaveLength(1);
});

test("fetchedBase() takes a file: address, its digest checked", async () => {
  writeFileSync(join(dir, "disk.raw"), DISK);
  const url = `file://${join(dir, "disk.raw")}`;
  expect((await fetchedBase({ kind: "url", url, sha256: DIGEST })).digest).toBe(DIGEST);
  await expect(fetchedBase({ kind: "url", url, sha256: "0".repeat(64) })).rejects.toMatchObject({
    code: "E_QEMU_BASE",
  });
});

test("baseState() of the provider is the disk's digest: another disk, another image", async () => {
  writeFileSync(join(dir, "disk.raw"), DISK);
  expect(await qemuProvider().baseState({ kind: "file", path: join(dir, "disk.raw") })).toBe(DIGEST);
});

test("withFileLock() lets one in at a time, and the next when the first has failed", async () => {
  const file = join(dir, "lock");
  const order: string[] = [];
  let release: (() => void) | undefined;
  const first = withFileLock(
    file,
    async () => {
      order.push("first");
      await new Promise<void>((resolve) => {
        release = resolve;
      });
      order.push("first ends");
      throw new Error("on purpose");
    },
    undefined,
  );
  await expect.poll(() => order).toEqual(["first"]);
  const second = withFileLock(file, async () => order.push("second"), undefined);
  release?.();
  await expect(first).rejects.toThrow("on purpose");
  await second;
  expect(order).toEqual(["first", "first ends", "second"]);
});

test("unusedDisks() names what a killed desk left half made, once nobody can be at it any more", async () => {
  const disks = join(cache, "bootlace/qemu/disks");
  execFileSync("mkdir", ["-p", join(disks, "making-x"), join(disks, `${DIGEST}.raw`)]);
  expect(await unusedDisks()).toEqual([]);
  expect(await unusedDisks(Date.now() + 48 * 60 * 60 * 1000)).toEqual([join(disks, "making-x")]);
});

import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { parsePointer } from "../../../src/deploy/pointer.ts";
import { FolderStore } from "../../../src/store/folder-store.ts";
import { openStore } from "../../../src/store/open-store.ts";
import { pointer, storeContract } from "./store-contract.ts";

storeContract("FolderStore", true, async (folder) => {
  const store = new FolderStore(folder);
  return { store, writer: store, dispose: () => {} };
});

async function inFolder(body: (folder: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "bootlace-folder-"));
  try {
    await body(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

test("FolderStore.moveChannel() finishes the move of a publisher that died between winning and showing it", () =>
  inFolder(async (folder) => {
    const store = new FolderStore(folder);
    await store.moveChannel("prod", pointer(1), undefined);
    await store.moveChannel("prod", pointer(2), pointer(1));
    // What machines read, as if the second publisher had been killed after its link(2).
    writeFileSync(join(folder, "channels/prod"), pointer(1));
    await expect(store.moveChannel("prod", pointer(2, "bob@desk"), pointer(1))).rejects.toMatchObject({
      code: "E_CHANNEL_MOVED",
    });
    expect(await store.readChannel("prod")).toBe(pointer(2));
    await store.moveChannel("prod", pointer(3), pointer(2));
    expect(readFileSync(join(folder, "channels/prod"), "latin1")).toBe(pointer(3));
    expect(readdirSync(join(folder, "channels/.log/prod"))).toHaveLength(3);
  }));

test("FolderStore.moveChannel() lets one of many replace what somebody forged, under whatever number", () =>
  inFolder(async (folder) => {
    const store = new FolderStore(folder);
    mkdirSync(join(folder, "channels/.log/prod"), { recursive: true });
    writeFileSync(join(folder, "channels/.log/prod/00000001.000000000000001"), "rubbish");
    const replace = (by: string) => store.moveChannel("prod", pointer(1, by), "rubbish");
    const results = await Promise.allSettled(["ann", "bob", "cid", "dan", "eve"].map(replace));
    expect(results.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
    const winner = await store.readChannel("prod");
    expect(readFileSync(join(folder, "channels/prod"), "latin1")).toBe(winner);
    expect(await store.history("prod")).toEqual([winner, "rubbish"]);
  }));

test.each<readonly [string, (entry: string) => void]>([
  ["a pipe", (entry) => execFileSync("mkfifo", [entry])],
  ["a folder", (entry) => mkdirSync(entry)],
  ["a link", (entry) => symlinkSync("00000001.000000000000001", entry)],
  ["a file of 64 GiB", (entry) => execFileSync("truncate", ["-s", "64G", entry])],
])("FolderStore.readChannel() takes %s for no pointer, and moveChannel() replaces it", (_name, make) =>
  inFolder(async (folder) => {
    const store = new FolderStore(folder);
    await store.moveChannel("prod", pointer(1), undefined);
    make(join(folder, "channels/.log/prod/00000001.000000000000007"));
    const there = await store.readChannel("prod");
    expect(there?.length).toBeLessThanOrEqual(8193);
    expect(() => parsePointer(there ?? "")).toThrow(expect.objectContaining({ code: "E_POINTER" }));
    await store.moveChannel("prod", pointer(2), there);
    expect(await store.readChannel("prod")).toBe(pointer(2));
    expect(await store.history("prod")).toHaveLength(3);
  }),
);

test("FolderStore.get() tells a blob that somebody damaged", () =>
  inFolder(async (folder) => {
    const digest = "b".repeat(64);
    mkdirSync(join(folder, "artifacts"));
    writeFileSync(join(folder, "artifacts", digest), "hello");
    await expect(new FolderStore(folder).get({ kind: "artifacts", digest, bytes: 5 })).rejects.toMatchObject({
      code: "E_STORE_DAMAGED",
    });
  }));

test("FolderStore.put() tells a folder that cannot be made as the store's failure", () =>
  inFolder(async (folder) => {
    writeFileSync(join(folder, "file"), "x");
    const store = new FolderStore(join(folder, "file"));
    const blob = { kind: "bundles", digest: "c".repeat(64), bytes: 1, file: join(folder, "file") } as const;
    await expect(store.put(blob)).rejects.toMatchObject({
      code: "E_STORE_UNREACHABLE",
      message: expect.stringContaining(folder),
    });
  }));

test.each([
  [".bootlace/store", "file:///home/ann/shop/.bootlace/store"],
  ["/srv/store", "file:///srv/store"],
  ["file:///srv/store/", "file:///srv/store"],
  ["https://boot.example.com/shop//", "https://boot.example.com/shop"],
  ["s3://acme-boot", "s3://acme-boot"],
  ["s3://acme-boot/shop/", "s3://acme-boot/shop"],
])("openStore() opens %s", (address, url) => {
  expect(openStore(address, "/home/ann/shop").url).toBe(url);
});

test.each([
  "ftp://example.com/x",
  "s3://",
  "s3://Bucket/x",
  "s3://10.0.0.1/x",
  "s3://bucket/a b",
  "s3://bucket/a/../b",
  "https://",
])("openStore() refuses %s, which this version cannot use", (address) => {
  expect(() => openStore(address, "/")).toThrow(expect.objectContaining({ code: "E_STORE_URL" }));
});

test.each([
  "https://ann:s3cret@boot.example.com/shop",
  "http://ann:s3@cret@boot.example.com",
  "https://ann@boot.example.com",
])("openStore() refuses %s without naming the password", (address) => {
  expect(() => openStore(address, "/")).toThrow(
    expect.objectContaining({
      code: "E_STORE_URL",
      message: expect.stringMatching(
        /^The store https?:\/\/boot\.example\.com(\/shop)? has a user name or a password in it/,
      ),
    }),
  );
});

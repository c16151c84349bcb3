import { createHash } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterEach, beforeEach, expect, test } from "vitest";
import { tarHeader } from "../../../src/bundle/tar-header.ts";
import { publishedPayload } from "../../../src/deploy/payload.ts";
import { FolderStore } from "../../../src/store/folder-store.ts";

let home: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "bootlace-payload-"));
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

const list = (text: string): Buffer =>
  Buffer.concat([
    tarHeader({ path: "artifacts.list", mode: 0o644, size: text.length, type: "File" }),
    Buffer.from(text),
    Buffer.alloc(1024 + ((512 - (text.length % 512)) % 512)),
  ]);

/** What publishedPayload() makes of a bundle with these bytes. */
async function payloadOf(packed: Buffer, unpackedBytes: number) {
  const store = new FolderStore(join(home, "store"));
  const blob = { digest: createHash("sha256").update(packed).digest("hex"), bytes: packed.length };
  writeFileSync(join(home, "file"), packed);
  await store.put({ kind: "bundles", ...blob, file: join(home, "file") });
  const numbers = { epoch: 1, serial: 1, created: 1795000000 };
  const pointer = { project: "shop", channel: "prod", ...numbers, bundle: { ...blob, unpackedBytes }, runtimes: {} };
  return publishedPayload(store, pointer);
}

test("publishedPayload() reads which artifacts a bundle names", async () => {
  const tar = list(`${"a".repeat(64)} 5 any\n`);
  await expect(payloadOf(gzipSync(tar), tar.length)).rejects.toMatchObject({ code: "E_BLOB_GONE" });
  expect((await payloadOf(gzipSync(list("")), list("").length)).blobs).toHaveLength(1);
});

test.each<readonly [string, Buffer, number, string]>([
  ["unpacks to more than its pointer says", gzipSync(list("")), 512, "unpacks to more than 512 bytes"],
  ["is no gzip", Buffer.from("hello"), 10240, "the bundle"],
  ["is cut off", gzipSync(list("").subarray(0, 600)), 10240, "cut off"],
  ["has a line in artifacts.list that is none", gzipSync(list("a 5 any\n")), 10240, "Line 1 of the bundle's"],
  [
    "has an empty line in artifacts.list",
    gzipSync(list(`${"a".repeat(64)} 5 any\n\n`)),
    10240,
    "Line 2 of the bundle's",
  ],
])("publishedPayload() refuses a bundle that %s", async (_name, packed, unpackedBytes, message) => {
  await expect(payloadOf(packed, unpackedBytes)).rejects.toMatchObject({
    code: "E_ARCHIVE",
    message: expect.stringContaining(message),
  });
});

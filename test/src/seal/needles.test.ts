import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { needlesFor } from "../../../src/seal/needles.ts";
import { findUnclean } from "../../../src/seal/verify-clean.ts";

const KEY = `-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEIHFhlz/ZQ0MiBCF2pE1sKVwsPBkx+fNOHnxWk0nQ
short
-----END PRIVATE KEY-----
`;
const LINE = "MC4CAQAwBQYDK2VwBCIEIHFhlz/ZQ0MiBCF2pE1sKVwsPBkx+fNOHnxWk0nQ";
const base64 = (text: string) => Buffer.from(text).toString("base64");

/** What a layer with one file of this text is found to hold. */
async function found(value: string | Uint8Array, text: string | Uint8Array): Promise<readonly string[]> {
  const layer = mkdtempSync(join(tmpdir(), "bootlace-layer-"));
  onTestFinished(() => rmSync(layer, { recursive: true, force: true }));
  mkdirSync(join(layer, "srv"));
  writeFileSync(join(layer, "srv/file"), text);
  return (await findUnclean({ kind: "folder", path: layer }, needlesFor({ name: "it", value }))).map(
    ({ what }) => what,
  );
}

test.each([
  ["whole", KEY, "it"],
  ["as one of its lines", `key: ${LINE}`, "it (a line of it)"],
  ["as one of its lines in hex", Buffer.from(LINE).toString("hex"), "it (encoded)"],
  ["as one of its lines inside base64", base64(`user:${LINE}:end`), "it (encoded)"],
  ["URL-encoded in lower case", LINE.replaceAll("/", "%2f").replaceAll("+", "%2b"), "it (encoded)"],
])("needlesFor() finds a secret of several lines that stands in a file %s", async (_form, text, what) => {
  expect(await found(KEY, text)).toContain(what);
});

test("needlesFor() finds a secret that is no ASCII in every form that the runner masks", async () => {
  const value = "pä'ss wörd+1";
  for (const text of [value, base64(value), encodeURIComponent(value), JSON.stringify(value), "pä'\\''ss wörd+1"])
    expect([text, await found(value, `x${text}y`)]).toEqual([text, [expect.stringMatching(/^it/)]]);
});

test("needlesFor() finds a secret that is no text, as its bytes and encoded", async () => {
  const value = Buffer.from([0xff, 0xfe, 0x81, 0x0a, 0xaa, 0x80, 0xc3, 0x28, 0x99, 0xa0, 0xf1]);
  const forms = [Buffer.concat([Buffer.from("x"), value]), `x${value.toString("base64")}y`, value.toString("hex")];
  for (const form of forms) expect([form, await found(value, form)]).toEqual([form, [expect.stringMatching(/^it/)]]);
  expect(await found(value, Buffer.from(value.toString()))).toEqual([]);
});

test("needlesFor() does not take another key's frame, or a short line, for the secret", async () => {
  const other = "-----BEGIN PRIVATE KEY-----\nAAAA\nshort\n-----END PRIVATE KEY-----\n";
  expect(await found(KEY, other)).toEqual([]);
  expect(await found(KEY, base64("-----BEGIN PRIVATE KEY-----"))).toEqual([]);
});

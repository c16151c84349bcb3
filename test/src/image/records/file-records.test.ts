import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { FileRecords } from "../../../../src/image/records/file-records.ts";
import { openRecords } from "../../../../src/image/records/open-records.ts";
import { makeProject } from "../../../support/small-project.ts";
import { recordsContract } from "./records-contract.ts";

recordsContract("files", async () => {
  const dir = await makeProject({});
  return [new FileRecords(dir), new FileRecords(dir)];
});

const stored = (dir: string, name: string, id: string, record: object): void => {
  mkdirSync(join(dir, ".bootlace/images", name, id), { recursive: true });
  writeFileSync(join(dir, ".bootlace/images", name, id, "image.json"), JSON.stringify({ name, id, ...record }));
};
const FORMER = {
  created: 1,
  provider: "sandbox",
  arch: "x86_64",
  key: "k",
  keyParts: { base: "state of the root" },
  roots: ["web"],
  services: [],
  bundle: "b",
  runtime: "system",
  packages: [],
  layers: [],
};

test("records of 0.1.0 and 0.2.0 are read as good images of their line", async () => {
  const dir = await makeProject({});
  const base = { name: "base", id: "20250101000000-aaaa" };
  stored(dir, base.name, base.id, { ...FORMER, format: 1, root: "/", rootState: "r" });
  stored(dir, "web", "20250102000000-bbbb", { ...FORMER, format: 2, parent: base, origin: { root: "/" } });
  const records = new FileRecords(dir);
  expect(await records.get("base", base.id)).toMatchObject({
    format: 3,
    state: "good",
    origin: { root: "/", rootState: "r" },
    base: "state of the root",
    lineage: "base/20250101000000-aaaa",
  });
  expect(await records.get("web", "20250102000000-bbbb")).toMatchObject({
    format: 3,
    base: "base/20250101000000-aaaa",
    lineage: "base/20250101000000-aaaa",
  });
  const former = await records.get("base", base.id);
  expect(await records.change(former!, { state: "gone" })).toMatchObject({ revision: 1, state: "gone" });
});

test("openRecords() takes files where the project says nothing, and refuses what it cannot read", async () => {
  expect(await openRecords(await makeProject({}))).toBeInstanceOf(FileRecords);
  const plain = "name: shop # no records: here\nimages: {web: {on: nowhere}}\n";
  expect(await openRecords(await makeProject({ "bootlace.yaml": plain }))).toBeInstanceOf(FileRecords);
  const wrong = await makeProject({ "bootlace.yaml": "name: shop\nrecords: redis:shop\n" });
  await expect(openRecords(wrong)).rejects.toMatchObject({ code: "E_CHECK" });
});

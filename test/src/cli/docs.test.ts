import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { cliPage, errorsPage } from "../../../src/cli/docs-pages.ts";
import { packageRoot } from "../../../src/cli/package-root.ts";
import { jsonSchemas } from "../../../src/manifest/json-schemas.ts";
import { CODES, NOTICES } from "../../../stage2/index.ts";

const read = (path: string): string => readFileSync(new URL(path, packageRoot()), "utf8");

test("docs/errors.md has a row for every code, and no row without a code (run `npm run docs`)", () => {
  const rows = [...read("docs/errors.md").matchAll(/^\| `(E_[A-Z0-9_]+)` /gm)].map((match) => match[1]);
  expect(rows.toSorted()).toEqual(Object.keys(CODES).toSorted());
  expect(read("docs/errors.md")).toBe(errorsPage());
});

test("docs/errors.md has a row for every notice that the code gives, and none beside", () => {
  const given = ["stage2", "src"].flatMap((folder) =>
    readdirSync(new URL(folder, packageRoot()), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && entry.name.endsWith(".ts"))
      .flatMap((entry) => [...readFileSync(join(entry.parentPath, entry.name), "utf8").matchAll(/"(W_[A-Z0-9_]+)"/g)]),
  );
  const rows = [...read("docs/errors.md").matchAll(/^\| `(W_[A-Z0-9_]+)` /gm)].map((match) => match[1]);
  expect(rows.toSorted()).toEqual([...new Set(given.map((match) => match[1]))].toSorted());
  expect(rows.toSorted()).toEqual(Object.keys(NOTICES).toSorted());
});

test("docs/cli.md says what the table of commands says (run `npm run docs`)", () => {
  expect(read("docs/cli.md")).toBe(cliPage());
});

test("schema/*.schema.json come from the schemas that check uses (run `npm run docs`)", () => {
  const { service, bootlace } = jsonSchemas();
  expect(JSON.parse(read("schema/service.schema.json"))).toEqual(JSON.parse(JSON.stringify(service)));
  expect(JSON.parse(read("schema/bootlace.schema.json"))).toEqual(JSON.parse(JSON.stringify(bootlace)));
});

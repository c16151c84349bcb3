import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { cliPage, errorsPage } from "../../../src/cli/docs-pages.ts";
import { packageRoot } from "../../../src/cli/package-root.ts";
import { jsonSchemas } from "../../../src/manifest/json-schemas.ts";
import { CODES } from "../../../stage2/index.ts";

const read = (path: string): string => readFileSync(new URL(path, packageRoot()), "utf8");

test("docs/errors.md has a row for every code, and no row without a code (run `npm run docs`)", () => {
  const rows = [...read("docs/errors.md").matchAll(/^\| `(E_[A-Z0-9_]+)` /gm)].map((match) => match[1]);
  expect(rows.toSorted()).toEqual(Object.keys(CODES).toSorted());
  expect(read("docs/errors.md")).toBe(errorsPage());
});

test("docs/cli.md says what the table of commands says (run `npm run docs`)", () => {
  expect(read("docs/cli.md")).toBe(cliPage());
});

test("schema/*.schema.json come from the schemas that check uses (run `npm run docs`)", () => {
  const { service, bootlace } = jsonSchemas();
  expect(JSON.parse(read("schema/service.schema.json"))).toEqual(JSON.parse(JSON.stringify(service)));
  expect(JSON.parse(read("schema/bootlace.schema.json"))).toEqual(JSON.parse(JSON.stringify(bootlace)));
});

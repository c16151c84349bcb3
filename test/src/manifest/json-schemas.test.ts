import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import * as z from "zod";
import { packageRoot } from "../../../src/cli/package-root.ts";

const root = fileURLToPath(packageRoot());
const validator = (name: string): z.ZodType => {
  const schema: Parameters<typeof z.fromJSONSchema>[0] = JSON.parse(
    readFileSync(`${root}schema/${name}.schema.json`, "utf8"),
  );
  return z.fromJSONSchema(schema);
};
const validators = { "service.yaml": validator("service"), "bootlace.yaml": validator("bootlace") };

const found = ["examples", "services"].flatMap((folder) =>
  readdirSync(root + folder, { recursive: true, encoding: "utf8" }).map((path) => `${folder}/${path}`),
);

describe("the JSON Schemas accept every file of examples/ and services/", () => {
  for (const [name, schema] of Object.entries(validators)) {
    for (const path of found.filter((file) => file.endsWith(`/${name}`) && !file.includes("node_modules"))) {
      test(path, () => {
        expect(schema.safeParse(parse(readFileSync(root + path, "utf8"))).error?.issues).toBeUndefined();
      });
    }
  }
});

test.each([
  ["an unknown key", { udpate: "echo" }],
  ["a wrong type", { requires: "apache" }],
  ["a wrong value", { onFailure: "maybe" }],
])("the JSON Schema of service.yaml refuses %s", (_, value) => {
  expect(validators["service.yaml"].safeParse(value).success).toBe(false);
});

test("the JSON Schema of service.yaml lets null remove what is inherited", () => {
  expect(validators["service.yaml"].safeParse({ extends: "base", update: null, params: { x: null } }).success).toBe(
    true,
  );
});

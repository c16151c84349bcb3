import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import * as z from "zod";
import { packageRoot } from "../../../src/cli/package-root.ts";
import { projectSchema } from "../../../src/manifest/project-schema.ts";
import { serviceSchema } from "../../../src/manifest/service-schema.ts";

/** Every key that a schema knows, at any depth. */
function keysOf(schema: z.core.$ZodType, found = new Set<string>()): Set<string> {
  if (schema instanceof z.ZodObject) {
    for (const [key, inner] of Object.entries(schema.shape)) {
      found.add(key);
      if (inner instanceof z.ZodType) keysOf(inner, found);
    }
  } else if (schema instanceof z.ZodOptional || schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault) {
    keysOf(schema.def.innerType, found);
  } else if (schema instanceof z.ZodUnion) for (const option of schema.def.options) keysOf(option, found);
  else if (schema instanceof z.ZodRecord) keysOf(schema.def.valueType, found);
  else if (schema instanceof z.ZodArray) keysOf(schema.def.element, found);
  return found;
}

test.each([
  ["docs/services.md", serviceSchema],
  ["docs/project.md", projectSchema],
])("%s speaks of every key that the schema knows", (page, schema) => {
  const text = readFileSync(new URL(page, packageRoot()), "utf8").replace(/```[\s\S]*?```/g, "");
  const spoken = new Set([...text.matchAll(/`([^`]+)`/g)].flatMap((match) => match[1]?.match(/[A-Za-z0-9]+/g) ?? []));
  expect([...keysOf(schema)].filter((key) => !spoken.has(key))).toEqual([]);
});

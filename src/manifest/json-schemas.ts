import * as z from "zod";
import { projectSchema } from "./project-schema.ts";
import { serviceSchema } from "./service-schema.ts";

type Json = Record<string, unknown>;

/** JSON Schemas (draft 2020-12) of both files, for editors. `npm run docs` writes them to `schema/`. */
export function jsonSchemas(): { service: Json; bootlace: Json } {
  return {
    service: titled(allowNulls(convert(serviceSchema)), "service.yaml of a Bootlace service"),
    bootlace: titled(convert(projectSchema), "bootlace.yaml of a Bootlace project"),
  };
}

const convert = (schema: z.ZodType): Json => z.toJSONSchema(schema, { io: "input", unrepresentable: "any" }) as Json;

const titled = (schema: Json, title: string): Json => ({ ...schema, title });

/** Null removes what is inherited, so every key that may be absent may be null as well. */
function allowNulls(schema: Json): Json {
  const nullable = (value: unknown): unknown =>
    isObject(value) ? { anyOf: [allowNulls(value), { type: "null" }] } : value;
  const changed: Json = {};
  for (const [key, value] of Object.entries(schema)) {
    if (key === "properties" && isObject(value)) {
      const required = Array.isArray(schema.required) ? schema.required : [];
      changed[key] = Object.fromEntries(
        Object.entries(value).map(([name, inner]) => [
          name,
          required.includes(name)
            ? isObject(inner)
              ? allowNulls(inner)
              : inner
            : withDescription(inner, nullable(inner)),
        ]),
      );
    } else if (key === "additionalProperties") changed[key] = nullable(value);
    else if (key === "anyOf" && Array.isArray(value))
      changed[key] = value.map((inner) => (isObject(inner) ? allowNulls(inner) : inner));
    else changed[key] = value;
  }
  return changed;
}

const withDescription = (from: unknown, to: unknown): unknown =>
  isObject(from) && isObject(to) && from.description !== undefined ? { description: from.description, ...to } : to;

const isObject = (value: unknown): value is Json =>
  value !== null && typeof value === "object" && !Array.isArray(value);

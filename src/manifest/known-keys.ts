import * as z from "zod";
import type { Path } from "./source-file.ts";

/** The keys that a mapping at this place of a schema may have; empty where any are allowed. */
export function knownKeys(schema: z.core.$ZodType, path: Path): string[] {
  let candidates = unwrap(schema);
  for (const step of path) candidates = candidates.flatMap((candidate) => below(candidate, step)).flatMap(unwrap);
  return candidates.flatMap((candidate) => (candidate instanceof z.ZodObject ? Object.keys(candidate.shape) : []));
}

/** A schema without what stands around it: optional, default, unions, transforms. */
function unwrap(schema: z.core.$ZodType): z.core.$ZodType[] {
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault) {
    return unwrap(schema.def.innerType);
  }
  if (schema instanceof z.ZodUnion) return schema.def.options.flatMap(unwrap);
  if (schema instanceof z.ZodPipe) return unwrap(schema.def.in);
  return [schema];
}

function below(schema: z.core.$ZodType, step: string | number): z.core.$ZodType[] {
  if (schema instanceof z.ZodObject) {
    const found: unknown = schema.shape[step];
    return found instanceof z.ZodType ? [found] : [];
  }
  if (schema instanceof z.ZodRecord) return [schema.def.valueType];
  return schema instanceof z.ZodArray ? [schema.def.element] : [];
}

import type * as z from "zod";
import type { Path } from "../manifest/source-file.ts";
import { offendingPaths, valueAt } from "../manifest/zod-faults.ts";
import { isMapping, type Mapping } from "./service-source.ts";

/** Each round takes out what the one before laid bare: a key without which its mapping makes no sense. */
const MOST_ROUNDS = 4;

/**
 * A file's value without the parts that its schema refused, so that what else is wrong is found in the same run. The
 * result is never used for anything else.
 *
 * @param fallback Stands in for keys that must be there.
 * @returns Undefined when nothing sound is left.
 */
export function withoutFaults<T>(
  schema: z.ZodType<T>,
  value: Mapping,
  fallback: Mapping = {},
): { value: Mapping; manifest: T } | undefined {
  let rest = structuredClone(value);
  for (let round = 0; round < MOST_ROUNDS; round++) {
    rest = { ...fallback, ...rest };
    const checked = schema.safeParse(rest);
    if (checked.success) return { value: rest, manifest: checked.data };
    for (const path of offendingPaths(checked.error.issues)) remove(rest, path);
  }
  return undefined;
}

/** Takes out the value, or what lacks it; of lists the whole, because the places of items go by their index. */
function remove(root: Mapping, path: Path): void {
  let target = valueAt(root, path) === undefined ? path.slice(0, -1) : path;
  while (typeof target.at(-1) === "number") target = target.slice(0, -1);
  const last = target.at(-1);
  const parent = valueAt(root, target.slice(0, -1));
  if (isMapping(parent) && last !== undefined) delete parent[last];
}

import type { ParamValue } from "../../stage2/index.ts";
import { didYouMean } from "../cli/did-you-mean.ts";
import { PARAM_REFERENCE } from "../manifest/names.ts";
import type { Path } from "../manifest/source-file.ts";
import { isMapping, type Mapping } from "./service-source.ts";

/** Keys of service.yaml in whose values `{params.x}` is resolved. Shell has `$X` for that, so scripts are left alone. */
const KEYS: readonly string[] = [
  ...["init", "update", "seal", "destroy", "actions", "process", "ready"],
  ...["env", "repositories", "packages", "artifacts", "locks"],
];

export type OnUnknown = (path: Path, message: string, suggestion: string | undefined) => void;

/** True when a text of the value could refer to a parameter; most services have none. */
export const hasReferences = (text: string): boolean => text.includes("{params.");

/**
 * Resolves `{params.x}` in a service's values. A text that is nothing but one reference becomes the value with its
 * type; within other text, lists are joined by spaces. `{arch}` and facts stay: the machine knows them.
 */
export function substituteParams(
  value: Mapping,
  params: Readonly<Record<string, ParamValue>>,
  onUnknown: OnUnknown,
): Mapping {
  const resolve = (inner: unknown, path: Path): unknown => {
    if (typeof inner === "string") return path.at(-1) === "run" || isScript(path) ? inner : replace(inner, path);
    if (Array.isArray(inner)) return inner.map((item, index) => resolve(item, [...path, index]));
    if (!isMapping(inner)) return inner;
    return Object.fromEntries(Object.entries(inner).map(([key, item]) => [key, resolve(item, [...path, key])]));
  };
  const replace = (text: string, path: Path): unknown => {
    const look = (name: string): ParamValue | undefined => {
      if (Object.hasOwn(params, name)) return params[name];
      const near = didYouMean(name, Object.keys(params));
      onUnknown(path, `{params.${name}} names no parameter of this service`, near && `did you mean "${near}"?`);
      return undefined;
    };
    const whole = /^\{params\.([A-Za-z][A-Za-z0-9_-]*)\}$/.exec(text)?.[1];
    if (whole !== undefined) return look(whole) ?? text;
    return text.replace(PARAM_REFERENCE, (all, name: string) => {
      const found = look(name);
      return found === undefined ? all : typeof found === "object" ? found.join(" ") : String(found);
    });
  };
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [key, KEYS.includes(key) ? resolve(inner, [key]) : inner]),
  );
}

/** `init: |` and `actions: {reload: …}` hold shell where no mapping stands. */
function isScript(path: Path): boolean {
  const [first] = path;
  if (path.length === 1) return first !== "packages" && first !== "locks";
  return first === "actions" && path.length === 2;
}

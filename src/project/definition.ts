import { PACKAGE_MANAGERS, type Place } from "../../stage2/index.ts";
import type { Path } from "../manifest/source-file.ts";
import type { FaultList } from "./fault-list.ts";
import type { FolderFile } from "./service-folder.ts";
import { isMapping, type Mapping, type ServiceSource } from "./service-source.ts";

/** A service after `extends`: one value, and for each part of it the file it came from. */
export interface Definition {
  readonly name: string;
  /** True when it or what it extends has faults and is looked at only to find more of them. */
  readonly trimmed: boolean;
  readonly own: ServiceSource;
  /** The service itself, what it extends, and so on. */
  readonly chain: readonly ServiceSource[];
  readonly value: Mapping;
  /** Files of the whole chain; a nearer one stands in for a farther one of the same path. */
  readonly files: ReadonlyMap<string, FolderFile>;
  /** The file a value came from. */
  readonly originOf: (path: Path) => ServiceSource;
  readonly place: (path: Path, what?: "key" | "value") => Place;
}

const DEEPEST = 32;

/**
 * Resolves `extends`: maps merge, scripts and lists replace, null removes.
 *
 * @param find Also asked for stock services.
 * @returns Undefined when the chain has faults; they are reported, by whoever stands first in the chain.
 */
export function resolveDefinition(
  own: ServiceSource,
  find: (name: string, from: ServiceSource) => ServiceSource | undefined,
  faults: FaultList,
): Definition | undefined {
  const chain = [own];
  for (let at = own; typeof at.value.extends === "string"; ) {
    const base = find(at.value.extends, at);
    if (base === undefined) return undefined;
    if (chain.includes(base) || chain.length >= DEEPEST) {
      // Everybody in the circle comes by here; the first by name tells it.
      const first = chain.every(({ name }) => own.name <= name);
      if ((base === own && first) || chain.length >= DEEPEST) reportChain(chain, faults);
      return undefined;
    }
    chain.push(base);
    at = base;
  }
  if (chain.some(({ sound }) => !sound)) return undefined;
  const origins = new Map<string, ServiceSource>();
  let value: Mapping = {};
  const files = new Map<string, FolderFile>();
  for (const source of chain.toReversed()) {
    value = chain.length === 1 ? source.value : merge(value, source, heritage(source, own), [], origins);
    for (const file of source.files) files.set(file.path, file);
  }
  const originOf = (path: Path): ServiceSource => {
    for (let length = path.length; length > 0; length--) {
      const found = origins.get(keyOf(path.slice(0, length)));
      if (found) return found;
    }
    return own;
  };
  const place = (path: Path, what?: "key" | "value"): Place => originOf(path).source.place(path, what);
  return { name: own.name, trimmed: chain.some((source) => source.trimmed), own, chain, value, files, originOf, place };
}

function reportChain(chain: readonly ServiceSource[], faults: FaultList): void {
  const names = [...chain.map(({ name }) => name), String(chain.at(-1)?.value.extends)];
  const [first, second] = chain;
  faults.error(
    "E_EXTENDS",
    chain.length >= DEEPEST
      ? `More than ${DEEPEST} services extend each other in a row`
      : `Services extend each other in a circle: ${names.join(" → ")}`,
    first?.source.place(["extends"]),
    { related: second && { message: `${second.name} extends in turn`, place: second.source.place(["extends"]) } },
  );
}

const keyOf = (path: Path): string => path.join("\0");

/** Scripts, and what is one of several kinds, replace as a whole. */
const REPLACES = /^(?:init|update|seal|destroy|ready|extends|actions\0[^\0]+)$/;

function merge(
  base: Mapping,
  source: ServiceSource,
  child: Mapping,
  above: Path,
  origins: Map<string, ServiceSource>,
): Mapping {
  const merged: Mapping = { ...base };
  for (const [key, given] of Object.entries(child)) {
    const path = [...above, key];
    if (given === null) {
      delete merged[key];
      continue;
    }
    const before = merged[key];
    const mine = keyOf(path);
    const [from, to] = mine === "packages" ? [byManager(before), byManager(given)] : [before, given];
    if (above.length === 1 && above[0] === "params" && isMapping(before) && "default" in before && !isMapping(to)) {
      // A plain value for an inherited declaration is a new default, not a new declaration.
      merged[key] = { ...before, default: to };
      origins.set(keyOf([...path, "default"]), source);
    } else if (isMapping(from) && isMapping(to) && !REPLACES.test(mine)) {
      merged[key] = merge(from, source, to, path, origins);
    } else {
      merged[key] = isMapping(to) ? dropNulls(to) : to;
      for (const other of [...origins.keys()]) if (other.startsWith(`${mine}\0`)) origins.delete(other);
      origins.set(mine, source);
    }
  }
  return merged;
}

/** `extends` and `renamedFrom` belong to one service alone. */
function heritage(source: ServiceSource, own: ServiceSource): Mapping {
  const { extends: _base, renamedFrom, ...rest } = source.value;
  return source === own && renamedFrom !== undefined ? { ...rest, renamedFrom } : rest;
}

/** A plain list of packages means every manager; as a mapping it can merge. */
function byManager(value: unknown): unknown {
  return Array.isArray(value) ? Object.fromEntries(PACKAGE_MANAGERS.map((manager) => [manager, value])) : value;
}

function dropNulls(value: Mapping): Mapping {
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, inner]) => inner !== null)
      .map(([key, inner]) => [key, isMapping(inner) ? dropNulls(inner) : inner]),
  );
}

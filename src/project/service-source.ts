import { readFileSync } from "node:fs";
import { readYaml } from "../manifest/read-yaml.ts";
import { type ServiceManifest, serviceSchema } from "../manifest/service-schema.ts";
import type { SourceFile } from "../manifest/source-file.ts";
import { zodFaults } from "../manifest/zod-faults.ts";
import type { FaultList } from "./fault-list.ts";
import { type FolderFile, readServiceFolder } from "./service-folder.ts";
import type { Stamps } from "./stamps.ts";
import { withoutFaults } from "./without-faults.ts";

export type Mapping = Record<string, unknown>;

/** One service as it was written, before `extends`. */
export interface ServiceSource {
  readonly name: string;
  readonly source: SourceFile;
  readonly value: Mapping;
  /** As it stands in the file, whatever is wrong with it. */
  readonly raw: Mapping;
  /** The same as the schema gave it out; undefined when it has faults. */
  readonly manifest: ServiceManifest | undefined;
  readonly files: readonly FolderFile[];
  /** False when the file cannot be made sense of: neither it nor who extends it is compiled. */
  readonly sound: boolean;
  /** True when parts with faults were left out, only to find what else is wrong. */
  readonly trimmed: boolean;
}

/**
 * Reads one service's folder and checks its service.yaml by itself.
 *
 * @param dir Absolute.
 * @param shown The folder as messages name it.
 */
export function readServiceSource(
  name: string,
  dir: string,
  shown: string,
  { stamps, faults }: { stamps: Stamps; faults: FaultList },
): ServiceSource {
  stamps.add(dir);
  if (!stamps.has(`${dir}/service.yaml`)) stamps.add(`${dir}/service.yaml`);
  const { source, value, faults: yamlFaults } = readYaml(`${shown}/service.yaml`, readFileSync(`${dir}/service.yaml`));
  const files = readServiceFolder(dir, source, stamps, faults);
  faults.all.push(...yamlFaults);
  if (yamlFaults.length > 0)
    return { name, source, value: {}, raw: {}, manifest: undefined, files, sound: false, trimmed: true };
  // An empty file is a service that only has dependents.
  const given = value ?? {};
  const inherits = isMapping(given) && typeof given.extends === "string";
  const checked = serviceSchema.safeParse(inherits ? withoutNulls(given) : given);
  if (!checked.success) {
    const locate = (path: readonly (string | number)[], what: "key" | "value") => source.place(path, what);
    faults.all.push(...zodFaults(checked.error.issues, { schema: serviceSchema, value: given, locate }));
    const rest = isMapping(given) ? withoutFaults(serviceSchema, inherits ? withoutNulls(given) : given) : undefined;
    const nothing = { value: {}, manifest: undefined };
    return {
      name,
      source,
      raw: isMapping(given) ? given : {},
      ...nothing,
      ...rest,
      files,
      sound: rest !== undefined,
      trimmed: true,
    };
  }
  const mapping = isMapping(given) ? given : {};
  return { name, source, value: mapping, raw: mapping, manifest: checked.data, files, sound: true, trimmed: false };
}

export const isMapping = (value: unknown): value is Mapping =>
  value !== null && typeof value === "object" && !Array.isArray(value);

/** In a service that extends another, null says "remove what was inherited" and is allowed everywhere. */
function withoutNulls(value: Mapping): Mapping {
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, inner]) => inner !== null)
      .map(([key, inner]) => [key, isMapping(inner) ? withoutNulls(inner) : inner]),
  );
}

import { readFileSync } from "node:fs";
import { readYaml } from "../manifest/read-yaml.ts";
import { type ServiceManifest, serviceSchema } from "../manifest/service-schema.ts";
import type { SourceFile } from "../manifest/source-file.ts";
import { zodFaults } from "../manifest/zod-faults.ts";
import type { FaultList } from "./fault-list.ts";
import { type FolderFile, readServiceFolder } from "./service-folder.ts";
import type { Stamps } from "./stamps.ts";

export type Mapping = Record<string, unknown>;

/** One service as it was written, before `extends`. */
export interface ServiceSource {
  readonly name: string;
  readonly source: SourceFile;
  readonly value: Mapping;
  /** The same as the schema gave it out; undefined when it has faults. */
  readonly manifest: ServiceManifest | undefined;
  readonly files: readonly FolderFile[];
  /** False when the file has faults: who extends it is not compiled, so that one slip is told once. */
  readonly sound: boolean;
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
  if (yamlFaults.length > 0) return { name, source, value: {}, manifest: undefined, files, sound: false };
  // An empty file is a service that only has dependents.
  const given = value ?? {};
  const inherits = isMapping(given) && typeof given.extends === "string";
  const checked = serviceSchema.safeParse(inherits ? withoutNulls(given) : given);
  if (!checked.success) {
    const locate = (path: readonly (string | number)[], what: "key" | "value") => source.place(path, what);
    faults.all.push(...zodFaults(checked.error.issues, { schema: serviceSchema, value: given, locate }));
  }
  return { name, source, value: isMapping(given) ? given : {}, files, manifest: checked.data, sound: checked.success };
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

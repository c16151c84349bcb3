import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { packageRoot } from "../cli/package-root.ts";
import { SERVICE_NAME } from "../manifest/names.ts";
import type { FaultList } from "./fault-list.ts";
import { readServiceSource, type ServiceSource } from "./service-source.ts";
import type { Stamps } from "./stamps.ts";

interface Parts {
  readonly stamps: Stamps;
  readonly faults: FaultList;
}

/** Reads every service below `services/` of the project. */
export function findLocalServices(projectDir: string, parts: Parts): Map<string, ServiceSource> {
  const { stamps, faults } = parts;
  const found = new Map<string, ServiceSource>();
  const dir = join(projectDir, "services");
  if (!stamps.add(dir)?.isDirectory()) return found;
  const twins = new Map<string, string>();
  const entries = readdirSync(dir, { withFileTypes: true }).filter(({ name }) => !name.startsWith("."));
  entries.sort((a, b) => (a.name < b.name ? -1 : 1));
  for (const entry of entries) {
    const { name } = entry;
    if (entry.isFile()) continue;
    const shown = `services/${name}`;
    const place = { file: JSON.stringify(shown).slice(1, -1), line: 1, column: 1 };
    if (entry.isSymbolicLink()) {
      faults.error("E_SYMLINK", "A service's folder cannot be a link", place);
      continue;
    }
    const twin = twins.get(name.toLowerCase());
    twins.set(name.toLowerCase(), name);
    if (twin !== undefined) {
      faults.error("E_CASE_TWINS", `The names "${twin}" and "${name}" differ by case only`, place);
    }
    if (!SERVICE_NAME.test(name) || name === "bootlace") {
      const why = name === "bootlace" ? "is the folder of stock services" : "is no service's name";
      faults.error("E_NAME", `"${place.file.slice("services/".length)}" ${why}`, place, {
        suggestion: "lower-case letters, digits and `-`, a letter first, at most 64",
      });
      continue;
    }
    if (!stamps.add(`${dir}/${name}/service.yaml`)) {
      stamps.add(`${dir}/${name}`);
      const other = existsSync(join(dir, name, "service.yml"));
      faults.error("E_SERVICE_FILE", `Expected ${shown}/service.yaml, nothing is there`, place, {
        suggestion: other ? "rename service.yml to service.yaml" : undefined,
      });
      continue;
    }
    found.set(name, readServiceSource(name, join(dir, name), shown, parts));
  }
  return found;
}

/** Names of all stock services, with their prefix. */
export function stockServiceNames(): string[] {
  const dir = new URL("services/bootlace/", packageRoot());
  if (!existsSync(dir)) return [];
  return readdirSync(dir, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => `bootlace/${name}`)
    .sort();
}

/** Reads a stock service of the package, or answers undefined when there is none of that name. */
export function findStockService(name: string, parts: Parts): ServiceSource | undefined {
  if (!name.startsWith("bootlace/") || !SERVICE_NAME.test(name)) return undefined;
  const dir = fileURLToPath(new URL(`services/${name}`, packageRoot()));
  return existsSync(join(dir, "service.yaml")) ? readServiceSource(name, dir, dir, parts) : undefined;
}

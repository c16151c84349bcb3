import { resolve } from "node:path";
import { BootlaceError, type Project } from "../../stage2/index.ts";
import type { ProjectConfig } from "../manifest/project-schema.ts";
import { readCache, writeCache } from "./compiled-cache.ts";
import { sortFaults } from "./fault-list.ts";
import type { LoadedProject } from "./loaded.ts";
import type { ParamOverlay } from "./read-project.ts";

export interface LoadOptions {
  /** False: read everything again. Default true. */
  readonly cache?: boolean;
  /** Parameters of an image or a machine, laid over those of the project, by service. */
  readonly params?: ParamOverlay;
}

/**
 * Reads, checks and compiles the project in a folder. The compiled form is kept in `.bootlace/cache/` and used again
 * while every file and folder that went in has the same stamp.
 *
 * @throws {BootlaceError} `E_CHECK` with every fault, warnings included; `E_NO_PROJECT`.
 */
export async function loadProject(dir: string, options: LoadOptions = {}): Promise<LoadedProject> {
  const root = resolve(dir);
  const cacheable = options.params === undefined;
  const cached = cacheable && options.cache !== false ? readCache(root) : undefined;
  if (cached) return cached;
  const startMs = Date.now();
  // YAML and schemas are loaded only when something is to be read.
  const { readProject } = await import("./read-project.ts");
  const { config, services, files, artifacts, faults, stamps } = await readProject(root, options.params);
  const errors = faults.errors.length;
  if (errors > 0) {
    throw new BootlaceError("E_CHECK", `${errors === 1 ? "One fault" : `${errors} faults`} in the project`, {
      faults: sortFaults(faults.all),
    });
  }
  const project: Project = { format: 1, name: config.name, roots: config.services, services, ...bootTelling(config) };
  const loaded: LoadedProject = { dir: root, config, project, files, artifacts, warnings: sortFaults(faults.warnings) };
  if (cacheable && stamps.settledBefore(startMs)) writeCache(loaded, stamps);
  return loaded;
}

/** Only where something is to be told: a bundle without stays as it was, byte by byte. */
function bootTelling({ boot }: ProjectConfig): Pick<Project, "telling"> {
  const { lifecycleHook, logGroup, stateTag } = boot;
  const telling = {
    ...(lifecycleHook !== undefined && { lifecycleHook }),
    ...(logGroup !== undefined && { logGroup }),
    ...(stateTag && { stateTag }),
  };
  return Object.keys(telling).length === 0 ? {} : { telling };
}

import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { MachineState } from "../../journal/fold.ts";
import type { Project, Service } from "../../types/service.ts";
import { fileName, type Paths } from "../paths.ts";

export interface LeftOver {
  readonly services: readonly Service[];
  /** By service: the folder that stands in for the bundle's, which does not have it any more. */
  readonly folders: ReadonlyMap<string, string>;
}

/** Services that have left the project and whose `destroy` was kept when their init ran. */
export function leftOverServices(paths: Paths, project: Project, state: MachineState): LeftOver {
  const known = new Set(project.services.map((service) => service.name));
  const folders = new Map<string, string>();
  const services = [...state.services.keys()].flatMap((name): Service[] => {
    const folder = join(paths.destroy, fileName(name));
    if (known.has(name) || !existsSync(join(folder, "service.json"))) return [];
    folders.set(name, folder);
    const kept = JSON.parse(readFileSync(join(folder, "service.json"), "utf8")) as Service;
    // What it required may have left too; it is torn down by itself.
    return [{ ...kept, name, requires: [], after: [], packagesAfter: [], needs: [] }];
  });
  return { services, folders };
}

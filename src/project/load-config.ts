import { resolve } from "node:path";
import { BootlaceError } from "../../stage2/index.ts";
import type { ProjectConfig } from "../manifest/project-schema.ts";
import { FaultList, sortFaults } from "./fault-list.ts";
import { readConfig } from "./read-config.ts";
import { Stamps } from "./stamps.ts";

/**
 * bootlace.yaml alone, for what moves channels and packs nothing: whoever goes back to an older bundle may stand in a
 * tree whose services are broken.
 *
 * @throws {BootlaceError} `E_CHECK` with the faults of that file; `E_NO_PROJECT`.
 */
export function loadConfig(dir: string): ProjectConfig {
  const faults = new FaultList();
  const { config, trimmed } = readConfig(resolve(dir), { stamps: new Stamps(), faults });
  if (config && !trimmed) return config;
  const found = sortFaults(faults.all);
  throw new BootlaceError(
    "E_CHECK",
    `${found.length === 1 ? "One fault" : `${found.length} faults`} in bootlace.yaml`,
    {
      faults: found,
    },
  );
}

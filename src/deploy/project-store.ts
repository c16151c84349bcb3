import { resolve } from "node:path";
import type { ProjectConfig } from "../manifest/project-schema.ts";
import { openStore } from "../store/open-store.ts";
import type { Store } from "../store/store.ts";

/**
 * The store of a project, or the one that `--store` names, which is meant from where the command was typed. `region` and
 * `s3` of bootlace.yaml count for both.
 */
export function openProjectStore(config: ProjectConfig, dir: string, asked: unknown): Store {
  const access = { region: config.region, ...config.s3 };
  return typeof asked === "string"
    ? openStore(asked, process.cwd(), access)
    : openStore(config.store, resolve(dir), access);
}

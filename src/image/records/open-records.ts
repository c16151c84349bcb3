import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { BootlaceError } from "../../../stage2/index.ts";
import type { ProjectConfig } from "../../manifest/project-schema.ts";
import { CONFIG_FILE } from "../../project/config-file.ts";
import { FileRecords } from "./file-records.ts";
import type { ImageRecords } from "./image-records.ts";

type Chosen = Pick<ProjectConfig, "name" | "region" | "records">;

/**
 * Records of the project in a folder, where bootlace.yaml says. What is wrong elsewhere in that file is not the question
 * here; but where nobody can tell where the records are, nothing may be taken for unused.
 *
 * @throws {BootlaceError} `E_CHECK` when `records` cannot be read; `E_AWS_REGION`.
 */
export async function openRecords(dir: string): Promise<ImageRecords> {
  const root = resolve(dir);
  const file = join(root, CONFIG_FILE);
  // YAML and schema are loaded only where the file may say anything of it.
  if (!existsSync(file) || !/\brecords\b/.test(readFileSync(file, "utf8"))) return new FileRecords(root);
  const [{ readConfig }, { FaultList, sortFaults }, { Stamps }] = await Promise.all([
    import("../../project/read-config.ts"),
    import("../../project/fault-list.ts"),
    import("../../project/stamps.ts"),
  ]);
  const faults = new FaultList();
  const { config, source } = readConfig(root, { stamps: new Stamps(), faults });
  const line = source.place(["records"]).line;
  if (config === undefined || faults.errors.some(({ place }) => place?.line === line))
    throw new BootlaceError("E_CHECK", "bootlace.yaml does not say where the records of images are", {
      faults: sortFaults(faults.all),
    });
  return recordsOf(root, config);
}

/** @throws {BootlaceError} `E_AWS_REGION`. */
export async function recordsOf(dir: string, { name, region, records }: Chosen): Promise<ImageRecords> {
  const table = tableOf(records);
  if (table === undefined) return new FileRecords(dir);
  const { openDynamoDbRecords } = await import("./dynamodb-records.ts");
  return openDynamoDbRecords({ project: name, region, table });
}

/** The table that `records: dynamodb:TABLE` names. */
export const tableOf = (records: string | undefined): string | undefined => /^dynamodb:(.+)$/.exec(records ?? "")?.[1];

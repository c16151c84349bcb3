import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type ProjectConfig, projectSchema } from "../manifest/project-schema.ts";
import { readYaml } from "../manifest/read-yaml.ts";
import type { SourceFile } from "../manifest/source-file.ts";
import { valueAt, zodFaults } from "../manifest/zod-faults.ts";
import { CONFIG_FILE } from "./config-file.ts";
import type { FaultList } from "./fault-list.ts";
import { noProject } from "./no-project.ts";
import { isMapping } from "./service-source.ts";
import type { Stamps } from "./stamps.ts";
import { withoutFaults } from "./without-faults.ts";

/**
 * Reads bootlace.yaml of a folder.
 *
 * @returns `config` is undefined when nothing can be made of the file, and `trimmed` when it lacks the parts with faults.
 * @throws {BootlaceError} `E_NO_PROJECT` when there is none.
 */
export function readConfig(
  dir: string,
  { stamps, faults }: { stamps: Stamps; faults: FaultList },
): { config: ProjectConfig | undefined; trimmed: boolean; source: SourceFile } {
  const file = join(dir, CONFIG_FILE);
  if (!stamps.add(file)) throw noProject(dir);
  const { source, value, faults: yamlFaults } = readYaml(CONFIG_FILE, readFileSync(file));
  faults.all.push(...yamlFaults);
  if (yamlFaults.length > 0) return { config: undefined, trimmed: true, source };
  const checked = projectSchema.safeParse(value ?? {});
  if (checked.success) return { config: checked.data, trimmed: false, source };
  const locate = (path: readonly (string | number)[], what: "key" | "value") => source.place(path, what);
  const found = zodFaults(checked.error.issues, { schema: projectSchema, value: value ?? {}, locate });
  // Whoever writes a secret here must not see it again in a terminal, a log or a bug report.
  faults.all.push(...found.map((fault) => hideSecrets(fault, value)));
  const rest = isMapping(value) ? withoutFaults(projectSchema, value, { name: "unnamed" }) : undefined;
  return { config: rest?.manifest, trimmed: true, source };
}

function hideSecrets<T extends FaultList["all"][number]>(fault: T, value: unknown): T {
  const secrets = valueAt(value, ["secrets"]);
  const texts = isMapping(secrets) ? Object.values(secrets).map(String) : [];
  const hit = texts.find(
    (text) => text !== "" && (fault.message.includes(text.slice(0, 12)) || fault.place?.source?.includes(text)),
  );
  if (hit === undefined || fault.place === undefined) return fault;
  const { source: _source, ...place } = fault.place;
  return {
    ...fault,
    code: "E_SECRET_VALUE",
    message: "Expected a reference such as ssm:/shop/db, something else came",
    place,
  };
}

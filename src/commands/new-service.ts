import { existsSync } from "node:fs";
import { join } from "node:path";
import { BootlaceError, EXIT } from "../../stage2/index.ts";
import type { CommandRun } from "../cli/command.ts";
import { SERVICE_NAME } from "../manifest/names.ts";
import { CONFIG_FILE } from "../project/config-file.ts";
import { noProject } from "../project/no-project.ts";
import { starterService } from "../project/starter-files.ts";
import { writeNewFiles } from "../project/write-new-files.ts";
import { writeSchemas } from "./schema.ts";

/** `bootlace new service NAME [--extends SERVICE]` */
const run: CommandRun = async ({ dir, args: [name = ""], options, json, stdout }) => {
  if (!existsSync(join(dir, CONFIG_FILE))) throw noProject(dir);
  if (!SERVICE_NAME.test(name) || name.startsWith("bootlace")) {
    throw new BootlaceError("E_NAME", `Expected a service's name, "${name}" came`);
  }
  if (existsSync(join(dir, "services", name))) throw new BootlaceError("E_EXISTS", `services/${name} is there already`);
  const base = typeof options.extends === "string" ? options.extends : undefined;
  if (base !== undefined && !SERVICE_NAME.test(base)) {
    throw new BootlaceError("E_NAME", `Expected a service's name after --extends, "${base}" came`);
  }
  const files = await writeNewFiles(dir, starterService(name, base));
  await writeSchemas(dir);
  stdout.write(json ? `${JSON.stringify({ dir, files })}\n` : files.map((file) => `wrote ${file}\n`).join(""));
  return EXIT.ok;
};

export default run;

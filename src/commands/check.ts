import { existsSync } from "node:fs";
import { join, relative } from "node:path";
import { BootlaceError, EXIT } from "../../stage2/index.ts";
import type { CommandRun } from "../cli/command.ts";
import { plural } from "../cli/plural.ts";
import { printFaults, wantsColour } from "../cli/print-faults.ts";
import { CONFIG_FILE } from "../project/config-file.ts";
import { loadProject } from "../project/load-project.ts";
import { writeSchemas } from "./schema.ts";

/** `bootlace check [--effective SERVICE]`; with `--json` the faults are the output, whether there are any or not. */
const run: CommandRun = async (context) => {
  const { dir, options, json, stdout, stderr } = context;
  if (typeof options.effective === "string") {
    const { showEffective } = await import("../project/show-effective.ts");
    stdout.write(await showEffective(dir, options.effective, json));
    return EXIT.ok;
  }
  await ensureSchemas(dir);
  try {
    const { project, warnings } = await loadProject(dir, { cache: options.cache !== false });
    if (json) {
      stdout.write(
        `${JSON.stringify({ ok: true, project: project.name, services: project.services.length, faults: warnings })}\n`,
      );
      return EXIT.ok;
    }
    const prefix = relative(process.cwd(), dir);
    if (warnings.length > 0) stderr.write(`${printFaults(warnings, { colour: wantsColour(stderr), prefix })}\n`);
    const count = project.services.length;
    const notes = warnings.length > 0 ? `, ${plural(warnings.length, "warning")}` : "";
    stdout.write(`${project.name}: ${plural(count, "service")}, no faults${notes}\n`);
    return EXIT.ok;
  } catch (error) {
    if (!json || !(error instanceof BootlaceError) || error.code !== "E_CHECK") throw error;
    stdout.write(`${JSON.stringify({ ok: false, faults: error.faults })}\n`);
    return error.exit;
  }
};

/** A fresh clone lacks what the modelines of its files point to, because `.bootlace/` is not checked in. */
async function ensureSchemas(dir: string): Promise<void> {
  if (existsSync(join(dir, ".bootlace/schema")) || !existsSync(join(dir, CONFIG_FILE))) return;
  try {
    await writeSchemas(dir);
  } catch {
    // A project on a read-only file system is checked all the same.
  }
}

export default run;

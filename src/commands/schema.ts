import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { BootlaceError, EXIT } from "../../stage2/index.ts";
import type { CommandRun } from "../cli/command.ts";
import { packageRoot } from "../cli/package-root.ts";

const FILES: Readonly<Record<string, string>> = {
  service: "service.schema.json",
  bootlace: "bootlace.schema.json",
};

/** `bootlace schema service|bootlace`, or `--write` for both into the project. */
const run: CommandRun = async ({ args, options, json, stdout, dir }) => {
  if (options.write === true) {
    const written = await writeSchemas(dir);
    stdout.write(json ? `${JSON.stringify({ written })}\n` : written.map((file) => `${file}\n`).join(""));
    return EXIT.ok;
  }
  const file = FILES[args[0] ?? "service"];
  if (file === undefined) {
    throw new BootlaceError("E_USAGE", `Expected service or bootlace, "${args[0]}" came`);
  }
  stdout.write(await readFile(new URL(`schema/${file}`, packageRoot()), "utf8"));
  return EXIT.ok;
};

/**
 * Copies both schemas to `.bootlace/schema/`, where the modelines of starter files point: that way works for a global
 * install and for `npx` too, and follows no link out of the project.
 *
 * @returns The paths written, relative to the project.
 */
export async function writeSchemas(dir: string): Promise<string[]> {
  await mkdir(join(dir, ".bootlace/schema"), { recursive: true });
  const written: string[] = [];
  for (const name of Object.values(FILES)) {
    const target = `.bootlace/schema/${name}`;
    await writeFile(join(dir, target), await readFile(new URL(`schema/${name}`, packageRoot())));
    written.push(target);
  }
  return written;
}

export default run;

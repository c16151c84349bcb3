import { mkdir, readdir } from "node:fs/promises";
import { basename, join, relative, resolve } from "node:path";
import { BootlaceError, EXIT } from "../../stage2/index.ts";
import type { CommandRun } from "../cli/command.ts";
import { PLAIN_NAME } from "../manifest/names.ts";
import { starterProject } from "../project/starter-files.ts";
import { writeNewFiles } from "../project/write-new-files.ts";
import { writeSchemas } from "./schema.ts";

/** `bootlace new DIR` */
const run: CommandRun = async ({ dir, args: [target = "."], json, stdout }) => {
  const folder = resolve(dir, target);
  const name = basename(folder)
    .toLowerCase()
    .replace(/[^a-z0-9-]+/g, "-")
    .replace(/^[^a-z]+|-+$/g, "");
  if (!PLAIN_NAME.test(name)) {
    throw new BootlaceError("E_NAME", `No project name can be made of "${basename(folder)}"`, {
      hint: "Choose a folder whose name begins with a letter.",
    });
  }
  await mkdir(folder, { recursive: true });
  const there = (await readdir(folder)).filter((entry) => entry === "bootlace.yaml" || entry === "services");
  if (there.length > 0) throw new BootlaceError("E_EXISTS", `${join(folder, there[0] ?? "")} is there already`);
  const files = await writeNewFiles(folder, starterProject(name));
  await writeSchemas(folder);
  if (json) {
    stdout.write(`${JSON.stringify({ dir: folder, files })}\n`);
    return EXIT.ok;
  }
  const shown = relative(dir, folder) || ".";
  stdout.write(
    `${files.map((file) => `wrote ${join(shown, file)}\n`).join("")}\nNext: cd ${shown} && bootlace check && bootlace graph\n`,
  );
  return EXIT.ok;
};

export default run;

import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** Folder of the installed package: the nearest one above this file with a package.json. */
export function packageFolder(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, "package.json")) && dirname(folder) !== folder) folder = dirname(folder);
  return folder;
}

/** How this program starts itself as another process; subcommand and arguments follow. */
export function programCommand(): readonly string[] {
  return [process.execPath, join(packageFolder(), "bin", "bootlace.js")];
}

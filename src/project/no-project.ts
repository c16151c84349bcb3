import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { BootlaceError } from "../../stage2/index.ts";
import { CONFIG_FILE } from "./config-file.ts";

/** The error for a folder without bootlace.yaml, with a hint where one is. */
export function noProject(dir: string): BootlaceError {
  for (let at = dirname(dir); at !== dirname(at); at = dirname(at)) {
    if (existsSync(join(at, CONFIG_FILE))) {
      return new BootlaceError("E_NO_PROJECT", `There is no ${CONFIG_FILE} in ${dir}`, {
        hint: `There is one above: use \`-C ${at}\`.`,
      });
    }
  }
  const other = existsSync(join(dir, "bootlace.yml")) ? "Rename bootlace.yml to bootlace.yaml." : undefined;
  return new BootlaceError(
    "E_NO_PROJECT",
    `There is no ${CONFIG_FILE} in ${dir}`,
    other === undefined ? {} : { hint: other },
  );
}

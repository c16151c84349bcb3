import { existsSync } from "node:fs";
import { join, relative } from "node:path";
import { BootlaceError, EXIT } from "../../stage2/index.ts";
import type { CommandContext, CommandRun } from "../cli/command.ts";
import { CONFIG_FILE } from "../project/config-file.ts";
import { noProject } from "../project/no-project.ts";
import { type KeyChange, newKey } from "../trust/change-keys.ts";

/** `bootlace key new [--kms ARN]` */
const run: CommandRun = async (context) => {
  const { dir, options } = context;
  if (!existsSync(join(dir, CONFIG_FILE))) throw noProject(dir);
  const kms = typeof options.kms === "string" ? options.kms : undefined;
  const epoch = typeof options.epoch === "number" ? options.epoch : 1;
  if (epoch < 1) throw new BootlaceError("E_USAGE", `Expected an epoch from 1 on, ${epoch} came`);
  sayKey(context, await newKey(dir, kms, epoch));
  return EXIT.ok;
};

export default run;

/** What people are to know of a key that was just made. */
export function sayKey({ dir, json, stdout }: CommandContext, { key, file, held }: KeyChange): void {
  const { id, from, to, kms } = key;
  if (json) {
    stdout.write(`${JSON.stringify({ id, epochs: [from, to], file, private: held })}\n`);
    return;
  }
  const lines = [
    `key ${id}, for epochs ${from} to ${to}`,
    `  public   ${relative(dir, file)}: commit it; bundles bring it to machines`,
    `  private  ${held}${kms === undefined ? ": keep a copy where a lost disk cannot take it" : ""}`,
  ];
  stdout.write(`${lines.join("\n")}\n`);
}

import { join, resolve } from "node:path";
import { EXIT } from "../../stage2/index.ts";
import type { CommandRun } from "../cli/command.ts";
import { PACKER_ARCHIVE, packerTemplate } from "../export/packer-template.ts";
import { loadConfig } from "../project/load-config.ts";
import { writeDurably } from "../store/write-blob.ts";

/** `bootlace export packer IMAGE FOLDER` */
const run: CommandRun = async ({ dir, args, json, stdout }) => {
  const [image = "", folder = ""] = args;
  const { template, archive } = await packerTemplate(dir, loadConfig(dir), image);
  const written = [join(resolve(folder), `${image}.json`), join(resolve(folder), PACKER_ARCHIVE)];
  await writeDurably(written[0] ?? "", Buffer.from(template));
  await writeDurably(written[1] ?? "", archive, 0o600);
  stdout.write(json ? `${JSON.stringify({ written })}\n` : `${written.join("\n")}\n`);
  return EXIT.ok;
};

export default run;

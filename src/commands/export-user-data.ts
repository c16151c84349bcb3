import { EXIT } from "../../stage2/index.ts";
import type { CommandRun } from "../cli/command.ts";
import { openProjectStore } from "../deploy/project-store.ts";
import { userData } from "../export/user-data.ts";
import { loadConfig } from "../project/load-config.ts";

/** `bootlace export user-data [MACHINE|IMAGE]` */
const run: CommandRun = async ({ dir, args, options, json, stdout }) => {
  const config = loadConfig(dir);
  const text = await userData(dir, config, args[0], openProjectStore(config, dir, options.store));
  stdout.write(json ? `${JSON.stringify({ userData: text })}\n` : text);
  return EXIT.ok;
};

export default run;

import { EXIT } from "../../stage2/index.ts";
import { renewIssuer } from "../cert/private-ca.ts";
import type { CommandRun } from "../cli/command.ts";
import { loadConfig } from "../project/load-config.ts";
import { sayCa } from "./cert-new.ts";

/** `bootlace cert renew` */
const run: CommandRun = async (context) => {
  const { dir } = context;
  sayCa(context, await renewIssuer(dir, loadConfig(dir).name));
  return EXIT.ok;
};

export default run;

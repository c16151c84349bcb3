import { EXIT, type ExitCode } from "../../stage2/index.ts";
import type { CommandContext } from "../cli/command.ts";
import { shownTime } from "../deploy/shown-time.ts";
import { loadConfig } from "../project/load-config.ts";
import { planGroupBack, planParameterBack, planTemplateBack } from "./back.ts";
import type { Change } from "./change.ts";
import { type Clients, clientsOf } from "./clients.ts";
import { type Goal, parseStand, standText } from "./goal.ts";
import { groupWish } from "./group-wish.ts";
import { listVersions, type VersionRow } from "./list-versions.ts";
import { regionFlag, regionOf } from "./region.ts";
import { LOOK_EVERY, runChange } from "./run-change.ts";

/** `bootlace rollback lt/NAME | asg/NAME | ssm/NAME [--list] [--to N] [--plan]` */
export async function rollBackStand(context: CommandContext): Promise<ExitCode> {
  const { dir, args, options, json, stdout } = context;
  const goal = parseStand(args[0] ?? "");
  const usual = loadConfig(dir).region;
  const region = await regionOf(options.region, usual);
  const clients = clientsOf(region);
  if (options.list === true) {
    const rows = await listVersions(goal, clients);
    if (json) stdout.write(`${JSON.stringify({ of: standText(goal), versions: rows })}\n`);
    else stdout.write(rows.map(line).join("") || `${standText(goal)} has no version\n`);
    return EXIT.ok;
  }
  const change = await planBack(goal, clients, options, regionFlag(region, usual));
  const title = `Back: ${standText(goal)}`;
  await runChange(change, { title, planned: options.plan === true, every: LOOK_EVERY }, context);
  return EXIT.ok;
}

async function planBack(
  { kind, name }: Goal,
  clients: Clients,
  options: CommandContext["options"],
  at: string,
): Promise<Change> {
  const to = typeof options.to === "number" ? options.to : undefined;
  switch (kind) {
    case "lt":
      return planTemplateBack(await clients.ec2(), name, { to, at });
    case "ssm":
      return planParameterBack(await clients.ssm(), name, { to, at });
    case "asg": {
      const apis = { ec2: await clients.ec2(), scaling: await clients.scaling() };
      // A way back that fails may not lead forward again.
      return planGroupBack(apis, name, { to, at }, groupWish({ ...options, rollback: false }));
    }
  }
}

function line({ version, created, ami, image, description, current }: VersionRow): string {
  const columns = [
    `${version}`.padStart(6),
    shownTime(created / 1000).padEnd(16),
    (ami ?? "no AMI").padEnd(21),
    (image ?? description ?? "").padEnd(30),
    current ? "current" : "",
  ];
  return `${columns.join("  ").trimEnd()}\n`;
}

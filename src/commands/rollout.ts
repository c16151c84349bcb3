import { BootlaceError, EXIT } from "../../stage2/index.ts";
import type { CommandContext, CommandRun } from "../cli/command.ts";
import { loadConfig } from "../project/load-config.ts";
import type { Change } from "../rollout/change.ts";
import { type Clients, clientsOf } from "../rollout/clients.ts";
import { type Goal, parseGoal } from "../rollout/goal.ts";
import { groupWish } from "../rollout/group-wish.ts";
import { regionOf } from "../rollout/region.ts";
import { type RolledImage, rolledImage } from "../rollout/rolled-image.ts";
import { LOOK_EVERY, runChange } from "../rollout/run-change.ts";
import { planGroup } from "../rollout/to-group.ts";
import { planParameter } from "../rollout/to-parameter.ts";
import { planTemplate } from "../rollout/to-template.ts";

/** Options that mean something for one kind of goal alone. */
const ONLY: Readonly<Record<string, Goal["kind"]>> = {
  default: "lt",
  source: "lt",
  minHealthy: "asg",
  checkpoint: "asg",
  checkpointDelay: "asg",
  maxFail: "asg",
};

/** `bootlace rollout IMAGE lt:NAME | asg:NAME | ssm:NAME` */
const rollout: CommandRun = async (context) => {
  const { dir, args, options } = context;
  const goal = parseGoal(args[1] ?? "");
  assertFits(goal, options);
  const config = loadConfig(dir);
  const region = await regionOf(options.region, config.region);
  const arch = typeof options.arch === "string" ? options.arch : undefined;
  const image = await rolledImage(dir, config, args[0] ?? "", region, arch);
  const change = await planOf(goal, image, clientsOf(image.region), options);
  const title = `${image.label} (${image.ami} in ${image.region}) to ${goal.kind}:${goal.name}`;
  await runChange(change, { title, planned: options.plan === true, every: LOOK_EVERY }, context);
  return EXIT.ok;
};

export default rollout;

async function planOf(
  { kind, name }: Goal,
  image: RolledImage,
  clients: Clients,
  options: CommandContext["options"],
): Promise<Change> {
  const ec2 = await clients.ec2();
  switch (kind) {
    case "lt": {
      const source = typeof options.source === "string" ? options.source : "newest";
      return planTemplate(ec2, name, image, { asDefault: options.default === true, source });
    }
    case "asg":
      return planGroup({ ec2, scaling: await clients.scaling() }, name, image, groupWish(options));
    case "ssm":
      return planParameter(await clients.ssm(), ec2, name, image);
  }
}

function assertFits({ kind }: Goal, options: CommandContext["options"]): void {
  for (const [option, needed] of Object.entries(ONLY))
    if (options[option] !== undefined && needed !== kind) {
      const flag = option.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
      throw new BootlaceError("E_USAGE", `--${flag} is for ${needed}:NAME, the goal is ${kind}:…`);
    }
}

import type { MachineState, Plan, Project } from "../../stage2/index.ts";
import type { CommandContext } from "../cli/command.ts";
import { Link } from "../machine/run/link.ts";
import { wholeTarget } from "./command-targets.ts";
import { lookAt } from "./look.ts";
import { Payloads } from "./payloads.ts";
import { planAtDesk } from "./plan-at-desk.ts";
import { wishOf } from "./wish.ts";

/** What a machine would do, made at the desk from what is read there; nothing is changed. */
export async function planOf(
  context: CommandContext,
  word: string,
): Promise<{ readonly project: Project; readonly plan: Plan; readonly state: MachineState }> {
  const { dir, options, signal } = context;
  const target = await wholeTarget(context, word);
  const { project } = await new Payloads(dir).project(target);
  const link = new Link(target.machine);
  try {
    const seen = await lookAt(await link.session(signal), signal);
    return { project, ...planAtDesk(seen, project, wishOf(options), target.services) };
  } finally {
    await link.close();
  }
}

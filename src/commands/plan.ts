import {
  EXIT,
  type ExitCode,
  type Facts,
  type Plan,
  pathsUnder,
  planLines,
  planMachine,
  readFacts,
  toText,
} from "../../stage2/index.ts";
import type { CommandContext, CommandRun } from "../cli/command.ts";
import { planOf } from "../fleet/plan-of.ts";
import { wishOf } from "../fleet/wish.ts";
import { lookUp } from "../machine/find-machine.ts";
import { PLAIN_NAME } from "../manifest/names.ts";
import { loadConfig } from "../project/load-config.ts";
import { loadProject } from "../project/load-project.ts";
import type { LoadedProject } from "../project/loaded.ts";
import { assertOnePlace } from "./assert-one-place.ts";
import { showImagePlan } from "./plan-image.ts";

/** `bootlace plan [TARGET|IMAGE|--here]`: what would run or be built, and why; without any on an empty machine that has everything. */
const plan: CommandRun = async (context) => {
  const [word] = context.args;
  assertOnePlace(context, word);
  if (word !== undefined && (await isImage(context, word))) return showImagePlan(context, word);
  if (word !== undefined) return show(context, (await planOf(context, word)).plan);
  if (context.options.here === true) return showPlanHere(context);
  const loaded = await loadProject(context.dir);
  return show(context, planFor(context, loaded, emptyMachine(loaded), NOWHERE));
};

export default plan;

/** A machine that is up, or is to be, hides an image of its name, unless the image is asked for. */
async function isImage({ dir, options }: CommandContext, word: string): Promise<boolean> {
  if (options.image === true) return true;
  if (!PLAIN_NAME.test(word)) return false;
  const { images, machines } = loadConfig(dir);
  return images[word] !== undefined && machines[word] === undefined && (await lookUp(dir, word)) === undefined;
}

/** A root under which there is no journal. */
export const NOWHERE = "/proc/self/nowhere";

/** The plan for the machine that this command is typed on. */
export async function showPlanHere(context: CommandContext): Promise<ExitCode> {
  const loaded = await loadProject(context.dir);
  const root = typeof context.options.root === "string" ? context.options.root : "/";
  return show(context, planFor(context, loaded, readFacts(pathsUnder(root).seed), root));
}

/** Asks the machine's own code. */
export function planFor(
  { options }: Pick<CommandContext, "options">,
  loaded: LoadedProject,
  facts: Facts,
  root: string,
): Plan {
  return explainable(options, loaded, facts, root).plan;
}

/** The plan together with the state that it was made from. */
export function explainable(options: CommandContext["options"], loaded: LoadedProject, facts: Facts, root: string) {
  const { services: roots, ...wish } = wishOf(options);
  return planMachine(pathsUnder(root), { project: loaded.project, roots, facts, trigger: "boot", ...wish });
}

/** A machine like this one on which nothing has run, and which lacks nothing that a service needs. */
export function emptyMachine(loaded: LoadedProject): Facts {
  const here = readFacts(NOWHERE);
  return {
    ...here,
    machine: "new",
    has: [...new Set([...here.has, ...loaded.project.services.flatMap((service) => service.needs)])],
  };
}

function show({ json, stdout }: CommandContext, made: Plan): ExitCode {
  stdout.write(json ? `${JSON.stringify(made)}\n` : toText(planLines(made)));
  return EXIT.ok;
}

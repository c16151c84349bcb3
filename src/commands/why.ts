import { EXIT, explain, pathsUnder, readFacts, toText, whyLines } from "../../stage2/index.ts";
import type { CommandContext, CommandRun } from "../cli/command.ts";
import { planOf } from "../fleet/plan-of.ts";
import { loadProject } from "../project/load-project.ts";
import { assertOnePlace } from "./assert-one-place.ts";
import { emptyMachine, explainable, NOWHERE } from "./plan.ts";

/** `bootlace why SERVICE [TARGET|--here]`: who brings it along, what was done of it, what would be. */
const why: CommandRun = async (context) => {
  const { args, json, stdout } = context;
  const [service = "", word] = args;
  assertOnePlace(context, word);
  const { project, plan, state } = word === undefined ? await looseWhy(context) : await planOf(context, word);
  const found = explain(project, plan, state, service);
  stdout.write(json ? `${JSON.stringify(found)}\n` : toText(whyLines(found)));
  return EXIT.ok;
};

export default why;

async function looseWhy({ dir, options }: CommandContext) {
  const loaded = await loadProject(dir);
  const here = options.here === true;
  const root = here ? (typeof options.root === "string" ? options.root : "/") : NOWHERE;
  const facts = here ? readFacts(pathsUnder(root).seed) : emptyMachine(loaded);
  return { project: loaded.project, ...explainable(options, loaded, facts, root) };
}

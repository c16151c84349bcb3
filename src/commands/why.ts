import { EXIT, explain, pathsUnder, readFacts, toText, whyLines } from "../../stage2/index.ts";
import type { CommandRun } from "../cli/command.ts";
import { loadProject } from "../project/load-project.ts";
import { emptyMachine, explainable, NOWHERE } from "./plan.ts";

/** `bootlace why SERVICE [--here]`: who brings it along, what was done of it, what would be. */
const why: CommandRun = async ({ dir, args, options, json, stdout }) => {
  const loaded = await loadProject(dir);
  const here = options.here === true;
  const root = here ? (typeof options.root === "string" ? options.root : "/") : NOWHERE;
  const facts = here ? readFacts(pathsUnder(root).seed) : emptyMachine(loaded);
  const { plan, state } = explainable(options, loaded, facts, root);
  const found = explain(loaded.project, plan, state, args[0] ?? "");
  stdout.write(json ? `${JSON.stringify(found)}\n` : toText(whyLines(found)));
  return EXIT.ok;
};

export default why;

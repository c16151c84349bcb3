import { join } from "node:path";
import { EXIT, type ExitCode, pathsUnder, plantKeys, readFacts } from "../../stage2/index.ts";
import type { CommandContext, CommandRun } from "../cli/command.ts";
import { install, recordCurrent } from "../machine/here/install.ts";
import { placeSecrets } from "../machine/here/place-secrets.ts";
import { runHere } from "../machine/here/run-here.ts";
import { readSecrets } from "../machine/run/send-secrets.ts";
import { loadProject } from "../project/load-project.ts";
import { planFor, showPlanHere } from "./plan.ts";

/** Exits of a run that was refused before it began: the machine still is what it was. */
const REFUSED: ReadonlySet<ExitCode> = new Set([EXIT.usage, EXIT.locked, EXIT.journal]);

/**
 * `bootlace apply --here`: runs the project's services on the very machine that this command is typed on, by the
 * machine's own code from an unpacked bundle.
 */
export const applyHere: CommandRun = async (context) => {
  const { options, dir, signal } = context;
  if (options.plan === true) return showPlanHere(context);
  const loaded = await loadProject(dir);
  const paths = pathsUnder(typeof options.root === "string" ? options.root : "/");
  const { closure } = planFor(context, loaded, readFacts(paths.seed), paths.root);
  const secrets = await readSecrets(loaded, closure);
  const { folder, digest } = await install(loaded, paths);
  // Who types this here is root of this machine, and brings a key that a pointer could not.
  plantKeys(paths, folder, loaded.project.name);
  await placeSecrets(secrets, paths);
  const exit = await runHere(join(folder, "stage2.mjs"), runArguments(context, paths.root), signal);
  if (!REFUSED.has(exit)) await recordCurrent(paths, digest);
  return exit;
};

function runArguments({ options, json }: CommandContext, root: string): readonly string[] {
  const list = (name: string, flag: string): string[] =>
    [options[name] ?? []].flat().flatMap((value) => [flag, String(value)]);
  return [
    "run",
    "--root",
    root,
    "--no-reboot",
    ...list("service", "-s"),
    ...list("phase", "--phase"),
    ...list("jobs", "--jobs"),
    ...list("rerun", "--rerun"),
    ...list("assumeInit", "--assume-init"),
    ...(options.wait === true ? ["--wait"] : []),
    ...(options.strict === true ? ["--strict"] : []),
    ...(json ? ["--json"] : []),
  ];
}

import { BootlaceError } from "../../stage2/index.ts";
import type { CommandContext } from "../cli/command.ts";
import { lookUp } from "../machine/find-machine.ts";
import { loadConfig } from "../project/load-config.ts";
import { hostAccess } from "./access.ts";
import { findTarget, findTargets, type Target } from "./targets.ts";

/** The machines that a command's words name. `E_USAGE` for a fingerprint that would vouch for several. */
export async function commandTargets(context: CommandContext, words: readonly string[]): Promise<readonly Target[]> {
  const access = hostAccess(context);
  const targets = await findTargets(loadConfig(context.dir), words, access);
  if (access.acceptHostKey !== undefined && targets.length > 1)
    throw new BootlaceError("E_USAGE", `--accept-host-key vouches for one host, got ${targets.length} targets`);
  return targets;
}

/** The one machine that a word names, with what bootlace.yaml wants of it. */
export async function wholeTarget(context: CommandContext, word: string): Promise<Target> {
  return findTarget(loadConfig(context.dir), word, hostAccess(context));
}

/** The one machine that a word names, whatever is wanted of it. A machine that is up is found even where bootlace.yaml has faults. */
export async function commandTarget(context: CommandContext, word: string): Promise<Target> {
  const machine = /[@:]/.test(word) ? undefined : await lookUp(context.dir, word);
  if (machine) return { name: word, machine };
  return findTarget(configOf(context.dir, word), word, hostAccess(context));
}

/** The project's region, for what stands in no group; undefined: what the SDK finds. */
export function regionOf(dir: string): string | undefined {
  return configOf(dir, "").region;
}

/** Who names a host by its address needs no project to look at it. */
function configOf(dir: string, word: string): Pick<ReturnType<typeof loadConfig>, "groups" | "machines" | "region"> {
  try {
    return loadConfig(dir);
  } catch (error) {
    const isNoProject = error instanceof BootlaceError && error.code === "E_NO_PROJECT";
    if (isNoProject && !word.startsWith("@")) return { groups: {}, machines: {} };
    throw error;
  }
}

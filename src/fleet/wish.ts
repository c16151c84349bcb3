import { PHASES } from "../../stage2/index.ts";
import type { CommandContext } from "../cli/command.ts";
import type { Wish } from "./plan-at-desk.ts";

/** What a command line asks of a machine. */
export function wishOf(options: CommandContext["options"]): Wish {
  const list = (name: string): string[] => [options[name] ?? []].flat().map(String);
  const phase = PHASES.find((known) => known === options.phase);
  return {
    services: list("service"),
    rerun: list("rerun"),
    assumeInit: list("assumeInit"),
    ...(phase && { phase }),
  };
}

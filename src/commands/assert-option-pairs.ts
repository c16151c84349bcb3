import { BootlaceError } from "../../stage2/index.ts";
import type { CommandContext } from "../cli/command.ts";

/**
 * An option that means nothing by itself was meant for something that will not happen.
 *
 * @param pairs By the option's name, the one that it belongs to.
 * @throws {BootlaceError} `E_USAGE`.
 */
export function assertOptionPairs(options: CommandContext["options"], pairs: Readonly<Record<string, string>>): void {
  for (const [option, needed] of Object.entries(pairs)) {
    if (isGiven(options[option]) && !isGiven(options[needed])) {
      throw new BootlaceError(
        "E_USAGE",
        `--${option} says something of --${needed} only: expected both, --${option} came`,
      );
    }
  }
}

const isGiven = (value: unknown): boolean => value !== undefined && value !== false;

import { BootlaceError, EXIT } from "../../stage2/index.ts";
import type { CommandRun } from "../cli/command.ts";
import { bashCompletions } from "../cli/completions/bash.ts";
import { fishCompletions } from "../cli/completions/fish.ts";
import { zshCompletions } from "../cli/completions/zsh.ts";
import { COMMANDS } from "../cli/table.ts";

const SHELLS = { bash: bashCompletions, zsh: zshCompletions, fish: fishCompletions };

/** `bootlace completions bash|zsh|fish`. */
const run: CommandRun = async ({ args: [shell = ""], stdout }) => {
  const make = Object.entries(SHELLS).find(([name]) => name === shell)?.[1];
  if (make === undefined) throw new BootlaceError("E_USAGE", `Expected bash, zsh or fish, "${shell}" came`);
  stdout.write(make(COMMANDS));
  return EXIT.ok;
};

export default run;

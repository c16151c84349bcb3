import type { CommandRun } from "../cli/command.ts";
import { journalHere } from "../machine/here/journal-here.ts";

/** `bootlace journal repair --here [--yes]`: what a repair would keep and which inits would run again; `--yes` does it. */
const journalRepair: CommandRun = (context) => journalHere("repair", context);

export default journalRepair;

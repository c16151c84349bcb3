import type { CommandRun } from "../cli/command.ts";
import { journalHere } from "../machine/here/journal-here.ts";

/** `bootlace journal show --here`: the journal's records, one a line as JSON. */
const journalShow: CommandRun = (context) => journalHere("show", context);

export default journalShow;

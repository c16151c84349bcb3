import type { CommandRun } from "../cli/command.ts";
import logs from "./logs.ts";

/** `bootlace console MACHINE [-f]`: `bootlace logs MACHINE --console`. */
const console: CommandRun = (context) => logs({ ...context, options: { ...context.options, console: true } });

export default console;

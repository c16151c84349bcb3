import { BootlaceError, type ExitCode } from "../../stage2/index.ts";
import type { CommandRun } from "../cli/command.ts";
import { commandTarget } from "../fleet/command-targets.ts";
import { Link } from "../machine/run/link.ts";

/** `bootlace shell TARGET [SERVICE.PHASE]` */
const shell: CommandRun = async (context) => {
  const { args, json, signal } = context;
  const [target = "", step] = args;
  if (json) throw new BootlaceError("E_USAGE", "A shell has no JSON form");
  const link = new Link((await commandTarget(context, target)).machine);
  try {
    const session = await link.session(signal);
    const argv = step ? { argv: ["/usr/lib/bootlace/bootlace", "env", step, "--shell"] } : {};
    const exit = await session.shell({ ...argv, stdin: process.stdin, stdout: process.stdout, signal });
    // The shell's own exit code is the command's, as with ssh(1).
    return exit as ExitCode;
  } finally {
    await link.close();
  }
};

export default shell;

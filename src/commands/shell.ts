import { BootlaceError, type ExitCode } from "../../stage2/index.ts";
import type { CommandRun } from "../cli/command.ts";
import { commandTarget } from "../fleet/command-targets.ts";
import { Link } from "../machine/run/link.ts";

/** `bootlace shell TARGET [SERVICE.PHASE]`, `bootlace shell TARGET -- COMMAND…` */
const shell: CommandRun = async (context) => {
  const { args, command, json, signal } = context;
  const [target = "", step, ...more] = args;
  if (json) throw new BootlaceError("E_USAGE", "A shell has no JSON form");
  if (more.length > 0 || (step !== undefined && command !== undefined))
    throw new BootlaceError("E_USAGE", `Expected TARGET SERVICE.PHASE or TARGET -- COMMAND, got "${args.join(" ")}"`);
  if (step !== undefined && !/.\../.test(step))
    throw new BootlaceError("E_USAGE", `Expected SERVICE.PHASE or SERVICE.ACTION, got "${step}"`);
  const link = new Link((await commandTarget(context, target)).machine);
  try {
    const session = await link.session(signal);
    const argv = step ? ["/usr/lib/bootlace/bootlace", "env", step, "--shell"] : command;
    const { stdin, stdout, stderr } = process;
    const exit = await session.shell({ ...(argv && { argv }), stdin, stdout, stderr, signal });
    // The shell's own exit code is the command's, as with ssh(1).
    return exit as ExitCode;
  } finally {
    // Nobody reads what else is piped to it: an open pipe must not keep the process.
    if (!process.stdin.isTTY) process.stdin.destroy();
    await link.close();
  }
};

export default shell;

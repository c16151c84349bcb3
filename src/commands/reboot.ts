import { createReporter, EXIT } from "../../stage2/index.ts";
import type { CommandRun } from "../cli/command.ts";
import { findMachine } from "../machine/find-machine.ts";
import { Link } from "../machine/run/link.ts";
import { assertRunEnded, followBoot, rebootMachine } from "../machine/run/run-phase.ts";

/** `bootlace reboot MACHINE`: proven by the boot's id, followed until updated and ready. */
const reboot: CommandRun = async ({ dir, args, json, stdout, signal }) => {
  const machine = await findMachine(dir, args[0] ?? "");
  const reporter = createReporter({ stream: stdout, json });
  const link = new Link(machine);
  try {
    await rebootMachine(link, signal);
    const close = await followBoot(link, { onEvent: reporter, signal });
    assertRunEnded(close, `machine ${machine.name}`);
    return EXIT.ok;
  } finally {
    reporter.close();
    await link.close();
  }
};

export default reboot;

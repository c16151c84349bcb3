import { createReporter, EXIT } from "../../stage2/index.ts";
import type { CommandRun } from "../cli/command.ts";
import { commandTarget } from "../fleet/command-targets.ts";
import { lookAt } from "../fleet/look.ts";
import { deskStep } from "../machine/desk-step.ts";
import { Link } from "../machine/run/link.ts";
import { assertRunEnded, followBoot, rebootMachine } from "../machine/run/run-phase.ts";

/** `bootlace reboot TARGET`: proven by the boot's id, followed until updated and ready. */
const reboot: CommandRun = async (context) => {
  const { args, json, stdout, signal } = context;
  const { machine } = await commandTarget(context, args[0] ?? "");
  const reporter = createReporter({ stream: stdout, json });
  const link = new Link(machine);
  try {
    // A host need not have the boot hook: then nothing runs there by itself.
    const hooked = machine.provider !== "host" || (await lookAt(await link.session(signal), signal)).hooked;
    const step = { step: "reboot", of: `machine ${machine.name}` };
    const boot = await deskStep(reporter, step, () => rebootMachine(link, signal));
    if (hooked) {
      const close = await followBoot(link, { onEvent: reporter, signal });
      assertRunEnded(close, `machine ${machine.name}`);
    } else
      stdout.write(
        json ? `${JSON.stringify({ machine: machine.name, boot })}\n` : `${machine.name} is up again, boot ${boot}\n`,
      );
    return EXIT.ok;
  } finally {
    reporter.close();
    await link.close();
  }
};

export default reboot;

import { BootlaceError, createReporter, EXIT } from "../../stage2/index.ts";
import type { CommandRun } from "../cli/command.ts";
import { findMachine } from "../machine/find-machine.ts";
import type { Machine } from "../machine/machine.ts";
import { Link } from "../machine/run/link.ts";
import { assertRunEnded, runAndFollow } from "../machine/run/run-phase.ts";
import { confirm } from "../recipe/confirm.ts";

/** `bootlace destroy TARGET [--force]`: destroy phases in reverse, then the machine and all that was made for it. */
const destroy: CommandRun = async (context) => {
  const { dir, args, options, json, yes, stdout, signal } = context;
  const machine = await findMachine(dir, args[0] ?? "");
  if (!yes && !(await confirm(`Destroy ${machine.provider} ${machine.name} and everything on it?`, context)))
    throw new BootlaceError("E_USAGE", `${machine.name} was not destroyed: nobody said yes`, {
      hint: "Say it beforehand: --yes",
    });
  const running = (await machine.status()) === "running";
  if (running && options.force !== true) await runDestroyPhases(machine, { json, stdout, signal });
  await machine.dispose();
  const note = running ? "" : " (it did not run, so no destroy phase ran)";
  stdout.write(
    json ? `${JSON.stringify({ machine: machine.name, status: "gone" })}\n` : `${machine.name} is gone${note}\n`,
  );
  return EXIT.ok;
};

export default destroy;

async function runDestroyPhases(
  machine: Machine,
  { json, stdout, signal }: Pick<Parameters<CommandRun>[0], "json" | "stdout" | "signal">,
) {
  const link = new Link(machine);
  const reporter = createReporter({ stream: stdout, json });
  try {
    const session = await link.session(signal);
    if ((await session.exec(["test", "-f", "/var/lib/bootlace/current"])).exit !== 0) return;
    const close = await runAndFollow(link, { phase: "destroy" }, { onEvent: reporter, signal });
    assertRunEnded(close, `machine ${machine.name}, destroy; remove it all the same with --force`);
  } finally {
    reporter.close();
    await link.close();
  }
}

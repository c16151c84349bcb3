import { BootlaceError, EXIT, type ExitCode, printable } from "../../stage2/index.ts";
import type { CommandContext, CommandRun } from "../cli/command.ts";
import { commandTarget, commandTargets } from "../fleet/command-targets.ts";
import { consoleStatus } from "../fleet/console-status.ts";
import { notDelivered } from "../fleet/list-actions.ts";
import { statusTable } from "../fleet/status-table.ts";
import { lookUp } from "../machine/find-machine.ts";
import type { Machine } from "../machine/machine.ts";
import { machineNames } from "../machine/machine-folder.ts";
import { Link } from "../machine/run/link.ts";

/** `bootlace status [TARGET]` */
const status: CommandRun = async (context) => {
  const { dir, args, json, stdout } = context;
  const [target] = args;
  if (target === undefined) {
    const rows = await Promise.all((await machineNames(dir)).map((name) => rowOf(dir, name)));
    if (json) stdout.write(`${JSON.stringify(rows)}\n`);
    else if (rows.length === 0) stdout.write("No machine is there. Start one: bootlace up MACHINE|IMAGE\n");
    else
      for (const row of rows)
        stdout.write(`${row.name.padEnd(24)} ${row.status.padEnd(8)} ${row.provider}  ${row.purpose}\n`);
    return EXIT.ok;
  }
  if (/^(?:@|asg:|tag:)/.test(target)) return statusTable(await commandTargets(context, [target]), context);
  if (/^i-[0-9a-f]{8,17}$/.test(target)) return statusOfInstance(context, target);
  return statusOf(context, target, (await commandTarget(context, target)).machine);
};

export default status;

/** By SSH, and by the console where there is no session, or the instance has ended. */
async function statusOfInstance(context: CommandContext, id: string): Promise<ExitCode> {
  try {
    return await statusOf(context, id, (await commandTarget(context, id)).machine);
  } catch (error) {
    const isOut = error instanceof BootlaceError && /^E_(SESSION_\w+|FLEET_EMPTY|NOT_DELIVERED)$/.test(error.code);
    if (!isOut || context.signal.aborted) throw error;
    return consoleStatus(context, id, error.message);
  }
}

async function statusOf(context: CommandContext, target: string, machine: Machine): Promise<ExitCode> {
  const { json, stdout, stderr, signal } = context;
  const link = new Link(machine);
  try {
    const session = await link.session(signal);
    const command = ["/usr/lib/bootlace/bootlace", "status", ...(json ? ["--json"] : [])];
    const said = await session.exec(command, { signal });
    if (said.exit === 127) throw notDelivered(target, machine.provider);
    stdout.write(json ? said.stdout : printable(said.stdout));
    stderr.write(printable(said.stderr));
    return said.exit === 0 ? EXIT.ok : EXIT.machine;
  } finally {
    await link.close();
  }
}

async function rowOf(dir: string, name: string) {
  const machine = await lookUp(dir, name);
  return {
    name,
    status: machine ? await machine.status() : "unknown",
    provider: machine?.provider ?? "unknown",
    purpose: machine?.purpose ?? "unknown",
    id: machine?.id ?? "",
  };
}

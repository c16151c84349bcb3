import { BootlaceError, createReporter, EXIT } from "../../stage2/index.ts";
import type { CommandContext, CommandRun } from "../cli/command.ts";
import { commandTarget } from "../fleet/command-targets.ts";
import { holdMachine } from "../fleet/hold.ts";
import { purgeHost, STAYS } from "../fleet/leave-host.ts";
import { lookAt } from "../fleet/look.ts";
import type { Machine } from "../machine/machine.ts";
import { Link } from "../machine/run/link.ts";
import { assertRunEnded, runAndFollow } from "../machine/run/run-phase.ts";
import { loadConfig } from "../project/load-config.ts";
import { confirm } from "../recipe/confirm.ts";

/**
 * `bootlace destroy TARGET [--force] [--purge]`: destroy phases in reverse, then the machine and all that was made for
 * it. A host that exists stays; `--purge` takes Bootlace from it.
 */
const destroy: CommandRun = async (context) => {
  const { args, options, json, stdout } = context;
  const { machine } = await commandTarget(context, args[0] ?? "");
  if (machine.provider === "host") return leaveHost(machine, context);
  if (options.purge === true)
    throw new BootlaceError("E_USAGE", `--purge is for hosts; of ${machine.name} nothing stays in any case`);
  await assertYes(`Destroy ${machine.provider} ${machine.name} and everything on it?`, machine, context);
  const running = (await machine.status()) === "running";
  if (running && options.force !== true) await runDestroyPhases(machine, context);
  await machine.dispose();
  const note = running ? "" : " (it did not run, so no destroy phase ran)";
  stdout.write(
    json ? `${JSON.stringify({ machine: machine.name, status: "gone" })}\n` : `${machine.name} is gone${note}\n`,
  );
  return EXIT.ok;
};

export default destroy;

async function leaveHost(machine: Machine, context: CommandContext) {
  const { dir, options, json, stdout, signal } = context;
  const { name } = machine;
  const purge = options.purge === true;
  const link = new Link(machine);
  try {
    const { project, journal } = await lookAt(await link.session(signal), signal);
    const own = loadConfig(dir).name;
    if (project !== undefined && project !== own && options.takeOver !== true)
      throw new BootlaceError("E_OTHER_PROJECT", `${name} belongs to the project ${project}; this is ${own}`, {
        hint: `Destroy it from there, or say that it is meant all the same: --take-over`,
      });
    if (project === undefined && journal === undefined && !purge) {
      const none = `Bootlace has never run on ${name}; nothing to do`;
      stdout.write(json ? `${JSON.stringify({ machine: name, status: "none" })}\n` : `${none}\n`);
      return EXIT.ok;
    }
    if (options.force === true && !purge)
      throw new BootlaceError("E_USAGE", `${name} is a host, which stays: --force alone leaves nothing to do`, {
        hint: "Take Bootlace from it without its destroy phases: --force --purge",
      });
    const phases = options.force === true ? "" : "Run its destroy phases";
    const removal = purge ? `take ${STAYS} from it` : "";
    const question = [phases, removal].filter(Boolean).join(" and ");
    await assertYes(`${name} is a host that exists, and stays. ${question}?`, machine, context);
    if (options.force !== true) await runDestroyPhases(machine, context);
    if (purge) {
      const session = await link.session(signal);
      const held = await holdMachine(session, false, signal);
      await purgeHost(session, signal).finally(() => held.release());
    }
    const said = purge
      ? `Bootlace is gone from ${name}`
      : `${name} stays, with ${STAYS}; remove these too with --purge`;
    stdout.write(json ? `${JSON.stringify({ machine: name, status: purge ? "left" : "kept" })}\n` : `${said}\n`);
    return EXIT.ok;
  } finally {
    await link.close();
  }
}

async function assertYes(question: string, { name }: Machine, context: CommandContext): Promise<void> {
  if (context.yes || (await confirm(question, context))) return;
  throw new BootlaceError("E_USAGE", `${name} was not destroyed: nobody said yes`, {
    hint: "Say it beforehand: --yes",
  });
}

async function runDestroyPhases(machine: Machine, { json, stdout, signal }: CommandContext): Promise<void> {
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

import { spawn } from "node:child_process";
import { createReadStream } from "node:fs";
import { Readable } from "node:stream";
import { BootlaceError, createReporter, EXIT, type ExitCode } from "../../stage2/index.ts";
import type { CommandContext, CommandRun } from "../cli/command.ts";
import { logsAsJson, printLines } from "../cli/logs-as-json.ts";
import { commandTarget, regionOf } from "../fleet/command-targets.ts";
import { notDelivered } from "../fleet/list-actions.ts";
import { instanceConsole } from "../machine/providers.ts";
import { followRun } from "../machine/run/follow-run.ts";
import { eventsFile } from "../machine/run/launch-run.ts";
import { Link } from "../machine/run/link.ts";
import { throwIfAborted } from "../session/abort.ts";

/** The newest run by the file that grows (an action has none); its follower ends when the runner holds the lock no more. */
const NEWEST = "cd /var/lib/bootlace/runs 2>/dev/null && ls -1t */events.jsonl | head -n 1";

/** `bootlace logs TARGET [SERVICE[.PHASE]] [-f] [--console]` */
const logs: CommandRun = async (context) => {
  const { args, options, json, stdout, stderr, signal } = context;
  const [target = "", step] = args;
  if (options.console === true && /^i-[0-9a-f]{8,17}$/.test(target)) return instanceLog(context, target);
  const { machine } = await commandTarget(context, target);
  if (options.console === true) {
    if (machine.console === undefined)
      throw new BootlaceError("E_MACHINE_STATE", `The desk does not have the console of ${target}`, {
        hint: "Look where the machine stands; `bootlace logs` shows what its last run printed.",
      });
    await machine.refreshConsole?.();
    await showConsole(machine.console, options.follow === true, { json, stdout, signal });
    return EXIT.ok;
  }
  const link = new Link(machine);
  try {
    const session = await link.session(signal);
    if (options.follow !== true && json) return await logsAsJson(session, step, { stdout, signal });
    if (options.follow !== true) {
      const argv = ["/usr/lib/bootlace/bootlace", "logs", ...(step ? [step] : [])];
      const result = await session.exec(argv, { stdout, stderr, signal });
      if (result.exit === 127) throw notDelivered(target, machine.provider);
      return result.exit === 0 ? EXIT.ok : EXIT.machine;
    }
    const run = (await session.exec(["sh", "-c", NEWEST], { signal })).stdout.trim().split("/")[0];
    if (!run)
      throw new BootlaceError("E_MACHINE_STATE", `Nothing ran on ${target} yet`, {
        hint: machine.provider === "host" ? `bootlace apply ${target}` : `bootlace up ${target}`,
      });
    const reporter = createReporter({ stream: stdout, json, live: false });
    await followRun({
      run,
      events: eventsFile(run),
      exit: "/nonexistent",
      connect: link.session,
      onEvent: reporter,
      signal,
    });
    return EXIT.ok;
  } finally {
    await link.close();
  }
};

export default logs;

/** Of an instance that the desk did not launch: EC2 shows what it keeps, also of one that ended within the last hour. */
async function instanceLog({ dir, options, json, stdout }: CommandContext, id: string): Promise<ExitCode> {
  if (options.follow === true)
    throw new BootlaceError("E_USAGE", `EC2 gives the console of ${id} as it is now, and does not follow it`);
  const text = await instanceConsole(id, regionOf(dir));
  if (json) await printLines(Readable.from([text]), "console", stdout);
  else stdout.write(text);
  return EXIT.ok;
}

async function showConsole(
  file: string,
  follow: boolean,
  { json, stdout, signal }: Pick<CommandContext, "json" | "stdout" | "signal">,
): Promise<void> {
  const tail = follow
    ? spawn("tail", ["-n", "+1", "-F", file], { stdio: ["ignore", "pipe", "ignore"], signal })
    : undefined;
  // Ended by the signal: told below, when all that was printed is out.
  tail?.on("error", () => {});
  const source = tail?.stdout ?? createReadStream(file);
  if (json) await printLines(source, "console", stdout);
  else for await (const chunk of source) stdout.write(chunk);
  throwIfAborted(signal);
}

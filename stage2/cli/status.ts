import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { BootlaceError } from "../errors/bootlace-error.ts";
import { EXIT, type ExitCode } from "../errors/exit.ts";
import { toText } from "../report/lines.ts";
import { type Status, statusLines, statusOf } from "../report/status.ts";
import { readState } from "../rim/journal-file.ts";
import { fileName } from "../rim/paths.ts";
import type { Arguments } from "./arguments.ts";
import { openMachine } from "./machine.ts";

/** `status`: what is on the machine and how the last run ended. */
export function statusCommand(args: Arguments): ExitCode {
  const { paths, facts, project, bundle } = openMachine(args);
  const status: Status = {
    project: project.name,
    machine: facts.machine,
    provider: facts.provider,
    purpose: facts.purpose,
    bundle,
    degraded: existsSync(paths.degraded) ? readFileSync(paths.degraded, "utf8").trim() : "",
    ...statusOf(project, readState(paths.journal), facts.boot),
  };
  process.stdout.write(args.values.json ? `${JSON.stringify(status)}\n` : toText(statusLines(status, Date.now())));
  return EXIT.ok;
}

/** `logs [SERVICE[.PHASE]]`: the logs of the last run, whole. */
export function logsCommand(args: Arguments): ExitCode {
  const { paths } = openMachine(args);
  const [, wanted] = args.words;
  const run = args.values.run ?? (existsSync(paths.runs) ? readdirSync(paths.runs).sort().at(-1) : undefined);
  if (run === undefined || !existsSync(join(paths.runs, run)))
    throw new BootlaceError("E_NO_RUN", run === undefined ? "Nothing has run here yet" : `There is no run ${run}`);
  const logs = readdirSync(join(paths.runs, run)).filter((file) => file.endsWith(".log"));
  const chosen = logs.filter((file) => wanted === undefined || file.startsWith(`${fileName(wanted)}.`));
  if (wanted !== undefined && chosen.length === 0)
    throw new BootlaceError("E_NO_RUN", `${wanted} wrote nothing in run ${run}`, {
      hint: `There are logs of: ${logs.join(", ") || "nothing"}.`,
    });
  for (const file of chosen) {
    process.stdout.write(`==> ${file.replaceAll("~", "/").replace(/\.log$/, "")} <==\n`);
    process.stdout.write(readFileSync(join(paths.runs, run, file)));
  }
  return EXIT.ok;
}

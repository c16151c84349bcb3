import { createInterface } from "node:readline";
import { PassThrough, type Readable } from "node:stream";
import { BootlaceError, EXIT, type ExitCode } from "../../stage2/index.ts";
import type { Session } from "../session/session.ts";
import type { CommandContext } from "./command.ts";

/** The run that `bootlace logs` on the machine shows as well: ids begin with the time. */
const LIST = `
cd /var/lib/bootlace/runs 2>/dev/null || exit 0
run=$(ls -1 | sort | tail -n 1)
[ -n "$run" ] || exit 0
cd "$run"
pwd
ls -1 | grep '[.]log$' || :
`;

/**
 * Prints what the scripts of a machine's last run printed, as JSON lines `{"step", "line"}`.
 *
 * @param wanted SERVICE or SERVICE.PHASE.
 * @throws {BootlaceError} `E_NO_RUN` when there is no run, or none of its scripts is meant.
 */
export async function logsAsJson(
  session: Session,
  wanted: string | undefined,
  { stdout, signal }: Pick<CommandContext, "stdout" | "signal">,
): Promise<ExitCode> {
  const listed = await session.exec(["sh", "-c", LIST], { signal });
  const [folder, ...files] = listed.stdout.split("\n").filter(Boolean);
  if (folder === undefined) throw new BootlaceError("E_NO_RUN", "Nothing has run there yet");
  // On the machine, `/` in a service's name is written as `~`.
  const logs = files.map((file) => ({ file, step: file.replaceAll("~", "/").replace(/\.log$/, "") }));
  const chosen = logs.filter(({ step }) => wanted === undefined || step === wanted || step.startsWith(`${wanted}.`));
  if (wanted !== undefined && chosen.length === 0) {
    throw new BootlaceError("E_NO_RUN", `${wanted} wrote nothing in the last run`, {
      hint: `There are logs of: ${logs.map(({ step }) => step).join(", ") || "nothing"}.`,
    });
  }
  for (const { file, step } of chosen) {
    const log = new PassThrough();
    const printed = printLines(log, step, stdout);
    await session.exec(["cat", `${folder}/${file}`], { stdout: log, signal }).finally(() => log.end());
    await printed;
  }
  return EXIT.ok;
}

/** Each line of a stream as one line of JSON. */
export async function printLines(source: Readable, step: string, stdout: CommandContext["stdout"]): Promise<void> {
  for await (const line of createInterface({ input: source, crlfDelay: Number.POSITIVE_INFINITY }))
    stdout.write(`${JSON.stringify({ step, line })}\n`);
}

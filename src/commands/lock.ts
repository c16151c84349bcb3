import { EXIT, shownBytes } from "../../stage2/index.ts";
import { LOCK_FILE } from "../artifacts/lock-file.ts";
import { type LockChange, type LockPlan, planLock, updateLock } from "../artifacts/update-lock.ts";
import type { CommandContext, CommandRun } from "../cli/command.ts";
import { plural } from "../cli/plural.ts";

/** Milliseconds between two pictures of a live line. */
const FRAME = 100;

/** `bootlace lock [SERVICE…] [--update] [--plan]`: fetches what has no digest yet and writes bootlace.lock. */
const lock: CommandRun = async (context) => {
  const { dir, args, options, json, stdout, signal } = context;
  const plan = await planLock(dir, args, options.update === true);
  const say = (line: string): void => void (json || stdout.write(`${line}\n`));
  const planned = options.plan === true;
  const rows = planned
    ? []
    : await withProgress(context, plan, (progress) => updateLock(plan, { ...progress, signal }));
  if (planned) for (const { source, why } of plan.ask) say(`  fetch    ${source.id}  (${why})`);
  for (const row of rows) say(`  ${row.state.padEnd(7)}  ${row.source}  ${digests(row)}  ${shownBytes(row.bytes)}`);
  for (const source of plan.drop) say(`  ${planned ? "drop   " : "dropped"}  ${source}`);
  const count = plan.lock.size - plan.drop.length + rows.filter(({ state }) => state === "new").length;
  say(planned ? `${LOCK_FILE} is as it was` : `${LOCK_FILE}: ${plural(count, "source")}`);
  if (json) {
    const sources = planned ? plan.ask.map(({ source, why }) => ({ source: source.id, why })) : rows;
    stdout.write(`${JSON.stringify({ lock: LOCK_FILE, planned, sources, dropped: plan.drop })}\n`);
  }
  return EXIT.ok;
};

export default lock;

const digests = ({ digest, was }: LockChange): string =>
  was === undefined ? digest.slice(0, 12) : `${was.slice(0, 12)} → ${digest.slice(0, 12)}`;

/** At a terminal one line that lives, on standard error; elsewhere a line for each download that begins. */
async function withProgress<T>(
  { stderr, json }: CommandContext,
  plan: LockPlan,
  act: (progress: Parameters<typeof updateLock>[1]) => Promise<T>,
): Promise<T> {
  if (json) return act({});
  if (stderr.isTTY !== true) return act({ onBegin: (source) => void stderr.write(`fetching ${source}\n`) });
  const here = new Map<string, number>();
  let drawn = 0;
  const draw = (): void => {
    const bytes = [...here.values()].reduce((sum, one) => sum + one, 0);
    stderr.write(`\r\u001b[Kfetching ${plural(plan.ask.length, "source")}, ${shownBytes(bytes)}`);
  };
  try {
    return await act({
      onBytes: (source, bytes) => {
        here.set(source, bytes);
        if (Date.now() - drawn < FRAME) return;
        drawn = Date.now();
        draw();
      },
    });
  } finally {
    if (drawn > 0) stderr.write("\r\u001b[K");
  }
}

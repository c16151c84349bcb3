import { duration, printable } from "../../stage2/index.ts";
import type { CommandContext } from "../cli/command.ts";
import { instanceConsole } from "../machine/providers.ts";
import { throwIfAborted } from "../session/abort.ts";
import { regionOf } from "./command-targets.ts";
import { type ConsoleState, readConsoleState } from "./console-state.ts";
import { instanceChoice } from "./instance-targets.ts";
import { lookAt } from "./look.ts";
import { onEach, parallelOf } from "./on-each.ts";
import { stateOf } from "./plan-at-desk.ts";
import { type HostResult, worstExit } from "./result.ts";
import type { Target } from "./targets.ts";

/** One machine of a group, as far as it could be asked. */
interface Row {
  readonly target: string;
  readonly reachable: boolean;
  readonly project?: string | undefined;
  readonly bundle?: string | undefined;
  readonly channel?: string | undefined;
  readonly degraded?: string | undefined;
  readonly openRun?: string | undefined;
  readonly console?: Pick<ConsoleState, "run" | "outcome" | "exit" | "failed">;
  readonly lastRun?: { readonly run: string; readonly outcome: string; readonly exit: number; readonly t: number };
}

/** `bootlace status @group`: asks each machine once, and shows them one a line. */
export async function statusTable(targets: readonly Target[], context: CommandContext) {
  const { json, options, stdout, signal } = context;
  const rows = new Map<string, Row>();
  const results = await onEach(targets, parallelOf(options), signal, async (session, { name }) => {
    const seen = await lookAt(session, signal);
    const { project, bundle, channel, degraded } = seen;
    const { lastClose, openRun } = stateOf(seen);
    const last = lastClose && { run: lastClose.run, outcome: lastClose.why, exit: lastClose.rc, t: lastClose.t };
    const row = { target: name, reachable: true, project, bundle, channel, degraded, openRun: openRun?.run };
    rows.set(name, { ...row, ...(last && { lastRun: last }) });
    return {};
  });
  throwIfAborted(signal);
  await Promise.all(results.map((result) => readConsoleOf(result, rows, context)));
  const width = Math.max(...targets.map(({ name }) => name.length));
  for (const result of results) {
    const row = rows.get(result.target) ?? { target: result.target, reachable: false };
    if (json) stdout.write(`${JSON.stringify({ ...row, ...(row.reachable ? {} : { error: result.message }) })}\n`);
    else stdout.write(`${result.target.padEnd(width)}  ${printable(textOf(row, result))}\n`);
  }
  return worstExit(results);
}

/** Of an instance that cannot be asked its console tells something. */
async function readConsoleOf({ target }: HostResult, rows: Map<string, Row>, { dir }: CommandContext): Promise<void> {
  if (rows.has(target) || instanceChoice(target)?.kind !== "id") return;
  // One that cannot be had adds nothing to why the instance could not be reached.
  const text = await instanceConsole(target, regionOf(dir)).catch(() => "");
  const { run, outcome, exit, failed } = readConsoleState(text);
  if (run !== undefined) rows.set(target, { target, reachable: false, console: { run, outcome, exit, failed } });
}

function textOf(
  { reachable, bundle, channel, degraded, openRun, lastRun, console: said }: Row,
  { outcome, message }: HostResult,
): string {
  if (!reachable && said) {
    const ended = said.outcome === undefined ? "is open" : said.outcome;
    return [`by its console: run ${said.run} ${ended}`, ...said.failed, `(${outcome}: ${message})`].join("; ");
  }
  if (!reachable) return `${outcome}: ${message}`;
  if (bundle === undefined && lastRun === undefined) return "Bootlace has never run there";
  const last = lastRun ? `${lastRun.outcome} ${duration(Math.max(0, Date.now() - lastRun.t))} ago` : "no run has ended";
  return [
    last.padEnd(20),
    `bundle ${bundle?.slice(0, 12) ?? "none"}`,
    ...(channel === undefined ? [] : [`channel ${channel}`]),
    ...(openRun === undefined ? [] : [`run ${openRun} is open`]),
    ...(degraded === undefined ? [] : [`degraded: ${degraded}`]),
  ].join("  ");
}

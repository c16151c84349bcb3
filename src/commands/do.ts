import { BootlaceError, type ErrorCode, EXIT } from "../../stage2/index.ts";
import type { CommandContext, CommandRun } from "../cli/command.ts";
import { commandTargets } from "../fleet/command-targets.ts";
import { listActions, notDelivered, type Offered } from "../fleet/list-actions.ts";
import { onEach, parallelOf } from "../fleet/on-each.ts";
import { lineStream } from "../fleet/prefixed.ts";
import { fleetReporter, throwFailure } from "../fleet/reporter.ts";
import { type HostResult, isFailed, worstExit } from "../fleet/result.ts";
import { exitOf } from "../fleet/run-result.ts";
import type { Target } from "../fleet/targets.ts";
import { throwIfAborted } from "../session/abort.ts";
import type { Session } from "../session/session.ts";

/** `bootlace do TARGET [SERVICE.ACTION] [k=v…]`: runs an action on each machine; without a name lists what there is. */
const doAction: CommandRun = async (context) => {
  const { args, options, signal } = context;
  const [word = "", action, ...values] = args;
  const wrong = values.find((value) => !/^[A-Za-z][A-Za-z0-9_]*=/.test(value));
  if (wrong !== undefined) throw new BootlaceError("E_USAGE", `Expected key=value, got "${wrong}"`);
  const targets = await commandTargets(context, [word]);
  const report = fleetReporter(
    targets.map(({ name }) => name),
    context,
  );
  // In the targets' order, whoever answers first.
  const offered = new Map<string, readonly Offered[]>(targets.map(({ name }) => [name, []]));
  const results = await onEach(targets, parallelOf(options), signal, async (session, target) => {
    if (action !== undefined) return runAction(session, target, [action, ...values], targets, context);
    offered.set(target.name, await listActions(session, target.name, signal));
    return {};
  });
  throwIfAborted(signal);
  for (const { target, exit } of results) if (exit !== EXIT.ok) offered.delete(target);
  if (action === undefined) show(offered, context);
  const [only] = results;
  if (results.length === 1 && only && isFailed(only)) throwFailure(only);
  if (action !== undefined || results.some(({ exit }) => exit !== EXIT.ok)) report.results(results);
  return worstExit(results);
};

export default doAction;

/** What it prints comes through: as it is from one machine, by lines with the machine's name from several. */
async function runAction(
  session: Session,
  { name }: Target,
  words: readonly string[],
  targets: readonly Target[],
  { json, stdout, stderr, signal }: CommandContext,
): Promise<Partial<HostResult>> {
  const width = Math.max(...targets.map((target) => target.name.length));
  const print = (line: string): void =>
    void stdout.write(
      json ? `${JSON.stringify({ target: name, k: "line", line })}\n` : `${name.padEnd(width)} | ${line}\n`,
    );
  let said = "";
  const errors = lineStream((line) => {
    said += `${line}\n`;
  });
  const single = targets.length === 1 && !json;
  const out = single ? stdout : lineStream(print);
  const argv = ["/usr/lib/bootlace/bootlace", "do", ...words];
  const { exit } = await session.exec(argv, { stdout: out, stderr: errors, signal });
  if (!single) out.end();
  errors.end();
  if (exit === 127 || said.startsWith("bootlace: no bundle")) throw notDelivered(name);
  if (exit === 0) {
    if (said !== "") stderr.write(said);
    return {};
  }
  const [, code, message] = /error (E_[A-Z_]+): ([^\n]*)/.exec(said) ?? [];
  return {
    outcome: "failed",
    exit: exitOf(exit),
    code: (code ?? "E_ACTION") as ErrorCode,
    message: message ?? (said.trim() || `exit ${exit}`),
  };
}

function show(offered: ReadonlyMap<string, readonly Offered[]>, { json, stdout }: CommandContext): void {
  if (json) {
    for (const [target, actions] of offered) stdout.write(`${JSON.stringify({ target, k: "actions", actions })}\n`);
    return;
  }
  const same = new Map<string, string[]>();
  for (const [target, actions] of offered) {
    const text = actions.map(actionText).join("") || "No service has an action\n";
    same.set(text, [...(same.get(text) ?? []), target]);
  }
  for (const [text, targets] of same) stdout.write(`${offered.size > 1 ? `${targets.join(", ")}:\n` : ""}${text}`);
}

function actionText({ action, description, user, params }: Offered): string {
  const known = Object.entries(params).map(([name, value]) => `      $${name} is ${value}\n`);
  return `${action}  ${description}${user === "root" ? "" : ` (as ${user})`}\n${known.join("")}`;
}

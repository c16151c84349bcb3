import { BootlaceError, EXIT, type ExitCode } from "../../stage2/index.ts";
import type { CommandContext } from "../cli/command.ts";
import { confirm } from "../recipe/confirm.ts";
import { throwIfAborted } from "../session/abort.ts";
import { applyToFleet, type FleetOptions } from "./apply-fleet.ts";
import { commandTargets } from "./command-targets.ts";
import { keepResults, notGreen } from "./last-results.ts";
import { parallelOf } from "./on-each.ts";
import { Payloads } from "./payloads.ts";
import { fleetReporter, hintTexts, throwFailure } from "./reporter.ts";
import { type HostResult, isFailed, worstExit } from "./result.ts";
import type { Target } from "./targets.ts";
import { wishOf } from "./wish.ts";

/** `bootlace apply TARGET…`: finds the machines, applies, keeps and tells how it ended on each. */
export async function applyTargets(context: CommandContext): Promise<ExitCode> {
  const { dir, json, signal, stdout } = context;
  const targets = await wantedTargets(context);
  if (targets.length === 0) {
    stdout.write(json ? "" : "Nothing failed last time\n");
    return EXIT.ok;
  }
  const options = fleetOptions(context, targets.length);
  const report = fleetReporter(
    targets.map(({ name }) => name),
    context,
  );
  try {
    const results = await applyToFleet(targets, new Payloads(dir), options, report, signal);
    const [only] = results;
    if (options.planOnly && !json && results.length === 1 && only && isFailed(only)) throwFailure(only);
    if (options.planOnly) return tellOfPlans(context, results);
    await keepResults(dir, results);
    report.results(results);
    const left = results.filter(({ outcome }) => outcome === "left");
    for (const { target, run } of left)
      if (run && !json) stdout.write(`Run ${run} goes on on ${target}. Follow it: bootlace logs ${target} -f\n`);
    throwIfAborted(signal);
    if (results.length === 1 && only && isFailed(only)) throwFailure(only);
    return worstExit(results);
  } finally {
    report.close();
  }
}

async function wantedTargets(context: CommandContext): Promise<readonly Target[]> {
  const { dir, args, options } = context;
  if (options.retryFailed !== true) return commandTargets(context, args);
  const failed = (await notGreen(dir)).map(({ target }) => target);
  if (args.length === 0) return commandTargets(context, failed);
  return (await commandTargets(context, args)).filter(({ name }) => failed.includes(name));
}

function fleetOptions(context: CommandContext, count: number): FleetOptions {
  const { options, yes } = context;
  const number = (name: string): number | undefined =>
    typeof options[name] === "number" ? (options[name] as number) : undefined;
  const jobs = number("jobs");
  return {
    wish: wishOf(options),
    hook: options.bootHook !== false,
    wait: options.wait === true,
    strict: options.strict === true,
    ...(jobs !== undefined && { jobs }),
    parallel: parallelOf(options),
    canary: number("canary") ?? 0,
    maxFail: maxFailOf(options.maxFail, count),
    skipUnreachable: options.skipUnreachable === true,
    takeOver: options.takeOver === true,
    planOnly: options.plan === true,
    mayBegin: async (hosts) => yes || confirm(`Bootlace has never run on ${hosts.join(", ")}. Begin?`, context),
  };
}

/** `3`, or `20%` of the targets, rounded down; without it there is no limit. */
function maxFailOf(text: unknown, count: number): number {
  if (text === undefined) return Number.POSITIVE_INFINITY;
  const [, digits, percent] = /^(\d{1,6})(%?)$/.exec(String(text)) ?? [];
  if (digits === undefined || (percent === "%" && Number(digits) > 100))
    throw new BootlaceError("E_USAGE", `--max-fail expects a number or a percentage such as 20%, "${text}" came`);
  return percent === "%" ? Math.floor((count * Number(digits)) / 100) : Number(digits);
}

/** A plan is asked of machines that answer; what did not is told in the place of a plan. */
function tellOfPlans({ json, stdout }: CommandContext, results: readonly HostResult[]): ExitCode {
  const failed = results.filter(({ outcome }) => outcome !== "done");
  for (const result of failed)
    stdout.write(
      json
        ? `${JSON.stringify({ k: "result", ...result })}\n`
        : `${result.target}: ${result.outcome}: ${result.code}: ${result.message}\n`,
    );
  if (!json) for (const line of hintTexts(results)) stdout.write(`${line}\n`);
  return worstExit(results);
}

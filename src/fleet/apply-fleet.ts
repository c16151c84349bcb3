import { BootlaceError, EXIT } from "../../stage2/index.ts";
import { inParallel } from "../store/in-parallel.ts";
import { type ApplyOptions, applyToHost, type Launched } from "./apply-host.ts";
import { type Contact, makeContact } from "./contact.ts";
import { ended, failure } from "./ended.ts";
import type { Payloads } from "./payloads.ts";
import type { FleetReporter } from "./reporter.ts";
import { type HostResult, isFailed, isGreen } from "./result.ts";
import type { Target } from "./targets.ts";

export interface FleetOptions extends ApplyOptions {
  /** How many machines at a time. */
  readonly parallel: number;
  /** So many first and alone; the others only when all of these end well. 0: none. */
  readonly canary: number;
  /** No machine is begun once more than so many have failed. */
  readonly maxFail: number;
  readonly skipUnreachable: boolean;
  readonly takeOver: boolean;
  /** Show what would be done, and do nothing. */
  readonly planOnly: boolean;
  /** Asked once, for all hosts on which Bootlace has never run. */
  readonly mayBegin: (hosts: readonly string[]) => Promise<boolean>;
}

/**
 * Reaches all machines and plans, then asks where it is needed, then applies: nothing is changed anywhere before every
 * machine was looked at.
 *
 * @returns how it ended on each, in the targets' order; after the signal too, so that it can be told what goes on.
 * @throws {BootlaceError} `E_FIRST_CONTACT`; what loading the project throws.
 */
export async function applyToFleet(
  targets: readonly Target[],
  payloads: Payloads,
  options: FleetOptions,
  report: FleetReporter,
  signal: AbortSignal,
): Promise<readonly HostResult[]> {
  // A project with faults is no machine's failure.
  await inParallel(1, targets, (target) => payloads.project(target));
  const results = new Map<Target, HostResult>();
  const contacts: Contact[] = [];
  try {
    await reachAll(targets, payloads, options, contacts, results, signal);
    report.plans(
      contacts.map(({ target, planned, isFirst }) => ({ target: target.name, plan: planned.plan, isFirst })),
    );
    if (options.planOnly) for (const { target } of contacts) results.set(target, ended(target, performance.now(), {}));
    else {
      await assertAllowed(contacts, options);
      await applyInWaves(contacts, payloads, options, report, results, signal);
    }
  } finally {
    await Promise.all(contacts.map(({ link }) => link.close()));
  }
  return targets.map((target) => results.get(target) ?? notBegun(target));
}

/** Fills in contacts, in the targets' order; those that could not be reached or planned for are results already. */
async function reachAll(
  targets: readonly Target[],
  payloads: Payloads,
  { wish, takeOver, skipUnreachable, parallel }: FleetOptions,
  contacts: Contact[],
  results: Map<Target, HostResult>,
  signal: AbortSignal,
): Promise<void> {
  await inParallel(parallel, targets, async (target) => {
    const begun = performance.now();
    try {
      const contact = await makeContact(target, payloads, wish, takeOver, signal);
      contacts.push(contact);
      // More than go at a time do not all stay connected; a link opens again when its turn comes.
      if (targets.length > parallel) await contact.link.close();
    } catch (error) {
      if (signal.aborted) throw error;
      const failed = failure(target, begun, error);
      const skipped = failed.outcome === "unreachable" && skipUnreachable;
      results.set(target, skipped ? { ...failed, outcome: "skipped", exit: EXIT.ok } : failed);
    }
  });
  const order = new Map(targets.map((target, at) => [target, at]));
  contacts.sort((a, b) => (order.get(a.target) ?? 0) - (order.get(b.target) ?? 0));
}

async function assertAllowed(contacts: readonly Contact[], { mayBegin }: FleetOptions): Promise<void> {
  const hosts = contacts.filter(({ isFirst }) => isFirst).map(({ target }) => target.name);
  if (hosts.length === 0 || (await mayBegin(hosts))) return;
  throw new BootlaceError(
    "E_FIRST_CONTACT",
    `Bootlace has never run on ${hosts.join(", ")}; nothing was changed on any machine`,
    { hint: "Read the plan, then say it: --yes. `--assume-init SERVICE` takes over what is installed already." },
  );
}

async function applyInWaves(
  contacts: readonly Contact[],
  payloads: Payloads,
  options: FleetOptions,
  report: FleetReporter,
  results: Map<Target, HostResult>,
  signal: AbortSignal,
): Promise<void> {
  const { canary, maxFail, parallel } = options;
  const mayGoOn = (): boolean => !signal.aborted && [...results.values()].filter(isFailed).length <= maxFail;
  const wave = (some: readonly Contact[]) =>
    inParallel(parallel, some, async (contact) => {
      if (mayGoOn()) results.set(contact.target, await applyToOne(contact, payloads, options, report, signal));
    });
  const first = contacts.slice(0, canary);
  await wave(first);
  if (first.every(({ target }) => isGreenAt(results, target))) await wave(contacts.slice(canary));
}

const isGreenAt = (results: ReadonlyMap<Target, HostResult>, target: Target): boolean => {
  const result = results.get(target);
  return result !== undefined && isGreen(result);
};

async function applyToOne(
  contact: Contact,
  payloads: Payloads,
  options: ApplyOptions,
  report: FleetReporter,
  signal: AbortSignal,
): Promise<HostResult> {
  const { target } = contact;
  const begun = performance.now();
  const launched: Launched = {};
  try {
    const onEvent = report.of(target.name);
    return ended(target, begun, await applyToHost(contact, payloads, options, launched, onEvent, signal));
  } catch (error) {
    const run = launched.run === undefined ? {} : { run: launched.run };
    if (!signal.aborted) return { ...failure(target, begun, error), ...run };
    const message = launched.run === undefined ? "stopped before its run began" : "its run goes on";
    return ended(target, begun, { outcome: "left", exit: EXIT.interrupted, message, ...run });
  } finally {
    await contact.link.close();
  }
}

const notBegun = (target: Target): HostResult =>
  ended(target, performance.now(), { outcome: "not-begun", message: "not begun" });

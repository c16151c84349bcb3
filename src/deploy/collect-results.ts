import { setTimeout as sleep } from "node:timers/promises";
import { BootlaceError, type Event } from "../../stage2/index.ts";
import type { Store } from "../store/store.ts";

/** Between two looks into the store, milliseconds: short at first, then bounded. */
const FIRST_LOOK_MS = 500;
const LONGEST_MS = 5000;

/** What a machine says of its run. */
export interface MachineResult {
  readonly machine: string;
  /** Of its run; docs/contracts.md. */
  readonly exit: number;
  /** Digest of the bundle that ran, empty where none did. */
  readonly bundle: string;
  /** Services that were named and that it does not have. */
  readonly notHere: readonly string[];
  readonly failed: readonly string[];
  readonly said: string;
}

interface Collecting {
  readonly store: Store;
  readonly deployment: string;
  readonly machines: readonly string[];
  /** Digest of the bundle that the channel points to: who runs another one stayed behind, however well it runs. */
  readonly bundle: string;
  /** Milliseconds. */
  readonly timeout: number;
  readonly report: (event: Event) => void;
  readonly signal: AbortSignal;
}

/**
 * Waits until each machine has put its result into the store.
 *
 * @returns All results, and what is to be thrown when they have been told: `E_NOTIFY_FAILED`, naming who failed or is late.
 */
export async function collectResults({
  store,
  deployment,
  machines,
  bundle,
  timeout,
  report,
  signal,
}: Collecting): Promise<{ readonly results: readonly MachineResult[]; readonly failure?: BootlaceError }> {
  const step = "update now";
  const of = (machine: string): string => `machine ${machine}`;
  const begun = Date.now();
  for (const machine of machines) report({ t: begun, k: "desk-start", step, of: of(machine) });
  const found = new Map<string, MachineResult>();
  for (let pause = FIRST_LOOK_MS; found.size < machines.length; pause = Math.min(pause * 2, LONGEST_MS)) {
    for (const [machine, text] of (await store.results?.(deployment)) ?? []) {
      if (found.has(machine) || !machines.includes(machine)) continue;
      const result = readResult(machine, text);
      found.set(machine, result);
      const told = { t: Date.now(), step, of: of(machine), ms: Date.now() - begun };
      const why = reasonOf(result, bundle);
      const detail = result.notHere.length > 0 ? { detail: `not here: ${result.notHere.join(", ")}` } : {};
      report(why === undefined ? { ...told, ...detail, k: "desk-done" } : { ...told, k: "desk-fail", message: why });
    }
    if (found.size === machines.length || Date.now() - begun > timeout) break;
    await sleep(pause, undefined, { signal });
  }
  const late = machines.filter((machine) => !found.has(machine));
  for (const machine of late) {
    const ms = Date.now() - begun;
    report({ t: Date.now(), k: "desk-fail", step, of: of(machine), ms, message: "no result came" });
  }
  const results = [...found.values()].sort((a, b) => (a.machine < b.machine ? -1 : 1));
  const failed = results.flatMap((result) => {
    const why = reasonOf(result, bundle);
    return why === undefined ? [] : { ...result, why };
  });
  if (failed.length + late.length === 0) return { results };
  const names = [
    ...failed.map(({ machine, why }) => `${machine} (${why})`),
    ...late.map((machine) => `${machine} (no result after ${Math.round(timeout / 1000)} s)`),
  ];
  const { said = "" } = failed[0] ?? {};
  return {
    results,
    failure: new BootlaceError("E_NOTIFY_FAILED", `The channel moved, but not all machines did: ${names.join(", ")}`, {
      ...(said !== ""
        ? { hint: `${failed[0]?.machine} said: ${said.trim()}` }
        : late.length > 0 && {
            hint: `If ${late.join(", ")} is gone, find its subscription with aws sns list-subscriptions-by-topic and remove it: aws sns unsubscribe --subscription-arn ARN.`,
          }),
    }),
  };
}

/** Why a machine is not where it should be, or undefined. */
function reasonOf(result: MachineResult, bundle: string): string | undefined {
  if (result.exit !== 0)
    return result.failed.length > 0 ? `failed: ${result.failed.join(", ")}` : `exit ${result.exit}`;
  if (result.bundle === bundle) return undefined;
  return `stayed behind: it runs bundle ${result.bundle.slice(0, 12) || "unknown"}, not ${bundle.slice(0, 12)}`;
}

/** A machine writes what it likes: nothing of it is believed beyond its form, and a terminal obeys none of it. */
function readResult(machine: string, text: string): MachineResult {
  const plain = (value: unknown): string => String(value ?? "").replace(/[^\n -~]/g, "?");
  try {
    const { exit, bundle, notHere, failed, said } = JSON.parse(text);
    const names = (value: unknown): string[] => (Array.isArray(value) ? value.map(plain) : []);
    const how = { exit: Number.isInteger(exit) ? exit : 1, bundle: plain(bundle), said: plain(said) };
    return { machine, ...how, notHere: names(notHere), failed: names(failed) };
  } catch {
    return { machine, exit: 1, bundle: "", notHere: [], failed: [], said: "its result cannot be read" };
  }
}

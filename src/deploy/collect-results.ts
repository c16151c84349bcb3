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
  readonly failed: readonly string[];
  readonly said: string;
}

interface Collecting {
  readonly store: Store;
  readonly deployment: string;
  readonly machines: readonly string[];
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
      report(result.exit === 0 ? { ...told, k: "desk-done" } : { ...told, k: "desk-fail", message: reasonOf(result) });
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
  const failed = results.filter(({ exit }) => exit !== 0);
  if (failed.length + late.length === 0) return { results };
  const names = [
    ...failed.map((result) => `${result.machine} (${reasonOf(result)})`),
    ...late.map((machine) => `${machine} (no result after ${Math.round(timeout / 1000)} s)`),
  ];
  const { said = "" } = failed[0] ?? {};
  return {
    results,
    failure: new BootlaceError("E_NOTIFY_FAILED", `The channel moved, but not all machines did: ${names.join(", ")}`, {
      ...(said === "" ? {} : { hint: `${failed[0]?.machine} said: ${said.trim()}` }),
    }),
  };
}

const reasonOf = ({ exit, failed }: MachineResult): string =>
  failed.length > 0 ? `failed: ${failed.join(", ")}` : `exit ${exit}`;

/** A machine writes what it likes: nothing of it is believed beyond its form, and a terminal obeys none of it. */
function readResult(machine: string, text: string): MachineResult {
  const plain = (value: unknown): string => String(value ?? "").replace(/[^\n -~]/g, "?");
  try {
    const { exit, failed, said } = JSON.parse(text);
    const names = Array.isArray(failed) ? failed.map(plain) : [];
    return { machine, exit: Number.isInteger(exit) ? exit : 1, failed: names, said: plain(said) };
  } catch {
    return { machine, exit: 1, failed: [], said: "its result cannot be read" };
  }
}

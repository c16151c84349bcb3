import { readlinkSync } from "node:fs";
import { basename } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { MachineState, Standing } from "../../journal/fold.ts";
import { allProcesses, sessionMembers, signalAll, variableOf } from "../processes.ts";
import { GRACE } from "./guard-time.ts";

/** Programs of package managers: they are let to their end, because killing one leaves a broken database. */
const MANAGERS = new Set(["apt-get", "dpkg", "dnf", "dnf-3", "rpm", "apk"]);

/**
 * Ends scripts that outlived a runner which was killed: they are of this boot and have no outcome in the journal.
 * Their sessions are told from later ones with the same number by the start time that the intent recorded. A package
 * manager that outlived it is waited for.
 *
 * @returns the steps whose scripts had to be ended, and the package managers that were waited for.
 */
export async function endSurvivors(state: MachineState, boot: string): Promise<string[]> {
  const open = [...state.services].flatMap(([service, { phases }]) =>
    Object.entries(phases).flatMap(([phase, standing]: [string, Standing]) =>
      standing.is === "started" && standing.boot === boot && standing.pid > 1
        ? [{ id: `${service}.${phase}`, ...standing }]
        : [],
    ),
  );
  const alive = open.filter(({ pid, pst }) => sessionMembers(pid, pst).length > 0);
  for (const { pid, pst } of alive) signalAll(sessionMembers(pid, pst), "SIGTERM");
  for (const { pid, pst } of alive) {
    const deadline = performance.now() + GRACE;
    for (let left = sessionMembers(pid, pst); left.length > 0; left = sessionMembers(pid, pst)) {
      if (performance.now() > deadline) signalAll(left, "SIGKILL");
      await sleep(20);
    }
  }
  const managers = state.openRun?.boot === boot ? await waitForManagers(state.openRun.run) : [];
  return [...alive.map(({ id }) => id), ...managers];
}

async function waitForManagers(run: string): Promise<string[]> {
  const seen = new Set<string>();
  for (;;) {
    const running = allProcesses().flatMap(({ pid }) => {
      const program = programOf(pid);
      return MANAGERS.has(program) && variableOf(pid, "BOOTLACE_RUN") === run ? [program] : [];
    });
    for (const program of running) seen.add(program);
    if (running.length === 0) return [...seen];
    await sleep(100);
  }
}

function programOf(pid: number): string {
  try {
    return basename(readlinkSync(`/proc/${pid}/exe`));
  } catch {
    return "";
  }
}

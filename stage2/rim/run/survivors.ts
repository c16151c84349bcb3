import { setTimeout as sleep } from "node:timers/promises";
import type { MachineState, Standing } from "../../journal/fold.ts";
import { groupMembers, signalGroup } from "../processes.ts";
import { GRACE } from "./guard-time.ts";

/**
 * Ends scripts that outlived a runner which was killed: they are of this boot and have no outcome in the journal.
 * Their groups are told from later ones with the same number by the start time that the intent recorded.
 *
 * @returns the steps whose scripts had to be ended.
 */
export async function endSurvivors(state: MachineState, boot: string): Promise<string[]> {
  const open = [...state.services].flatMap(([service, { phases }]) =>
    Object.entries(phases).flatMap(([phase, standing]: [string, Standing]) =>
      standing.is === "started" && standing.boot === boot && standing.pid > 1
        ? [{ id: `${service}.${phase}`, ...standing }]
        : [],
    ),
  );
  const alive = open.filter(({ pid, pst }) => signalGroup(pid, pst, "SIGTERM") > 0);
  for (const { pid, pst } of alive) {
    const deadline = performance.now() + GRACE;
    while (groupMembers(pid, pst).length > 0) {
      if (performance.now() > deadline) signalGroup(pid, pst, "SIGKILL");
      await sleep(20);
    }
  }
  return alive.map(({ id }) => id);
}

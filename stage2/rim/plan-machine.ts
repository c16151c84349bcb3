import { existsSync } from "node:fs";
import type { MachineState } from "../journal/fold.ts";
import type { PlanRequest } from "../plan/draft.ts";
import { makePlan } from "../plan/make-plan.ts";
import type { Facts } from "../types/facts.ts";
import type { Plan } from "../types/plan.ts";
import { lineageId, machineHash } from "./facts.ts";
import { readState } from "./journal-file.ts";
import type { Paths } from "./paths.ts";
import { rootsOn } from "./roots-on.ts";

/** This machine as its journal names it; asking makes nothing on it. */
export function machOf(paths: Paths, facts: Facts): string {
  return existsSync(paths.lineage) ? machineHash(facts.machine, lineageId(paths.lineage)) : "";
}

/** What a run would do on this machine now, for what is asked for (`roots`). Reads its journal and touches nothing. */
export function planMachine(
  paths: Paths,
  request: Omit<PlanRequest, "state" | "mach">,
): { readonly plan: Plan; readonly state: MachineState } {
  const state = readState(paths.journal);
  const roots = rootsOn(paths, request.project, request.roots);
  return { plan: makePlan({ ...request, roots, state, mach: machOf(paths, request.facts) }), state };
}

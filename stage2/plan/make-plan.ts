import { BootlaceError } from "../errors/bootlace-error.ts";
import { findClosure } from "../graph/closure.ts";
import type { Plan } from "../types/plan.ts";
import type { Service } from "../types/service.ts";
import { holds, missingNeeds, whyAbsent } from "./conditions.ts";
import { assumed, type Draft, hasChanged, type PlanRequest, usersOf } from "./draft.ts";
import { planInits } from "./plan-inits.ts";
import { planReversed } from "./plan-reversed.ts";
import { planUpdates } from "./plan-updates.ts";
import { applyRenames, findRenames } from "./renames.ts";

/**
 * Decides which phase of which service runs, in which order and why. Nothing is touched: the same request gives the
 * same plan.
 *
 * @throws {BootlaceError} `E_UNKNOWN_SERVICE` for a root, `E_NEEDS` naming everything that lacks, `E_INIT_CHANGED`,
 *   `E_UNKNOWN_STEP` for what is to be run again or taken as done.
 */
export function makePlan(request: PlanRequest): Plan {
  const { project, facts } = request;
  const byName = new Map(project.services.map((service) => [service.name, service]));
  const { roots } = request;
  const closure = findClosure(byName, roots, (service) => holds(service.when, facts));
  const renamed = findRenames(project.services, request.state);
  const state = applyRenames(request.state, renamed);

  const missing = missingNeeds(closure.services, facts);
  if (missing.length > 0)
    throw new BootlaceError("E_NEEDS", `This machine lacks what services need: ${missing.join("; ")}`);

  checkNames(request, closure.services);

  const draft: Draft = {
    ...request,
    state,
    services: closure.services,
    users: usersOf(closure.services, roots),
    left: [],
  };
  const steps = planSteps(draft);

  return {
    roots: [...roots],
    closure: closure.services.map((service) => service.name),
    steps,
    left: [
      ...closure.absent.map((name) => ({ service: name, why: whyAbsent(byName.get(name)?.when ?? {}, facts) })),
      ...draft.left,
    ],
    assumed: closure.services.map((service) => service.name).filter((name) => assumed(draft, name)),
    orphaned: [...state.services.keys()].filter((name) => !byName.has(name)).sort(),
    renamed,
    changedInits: closure.services.filter((service) => hasChanged(draft, service)).map((service) => service.name),
  };
}

/** A typing error in what is to be run again, or taken as done, would otherwise do nothing and look well. */
function checkNames({ rerun = [], assumeInit = [] }: PlanRequest, services: readonly Service[]): void {
  const steps = services.flatMap(({ name, phases }) => Object.keys(phases).map((phase) => `${name}.${phase}`));
  const wrong = [
    ...rerun.filter((id) => !steps.includes(id)).map((id) => `there is no step "${id}" to run again`),
    ...assumeInit
      .filter((name) => !steps.includes(`${name}.init`))
      .map((name) => `"${name}" has no init to take as done`),
  ];
  if (wrong.length === 0) return;
  const hint = `Steps of this plan's services: ${steps.slice(0, 20).join(", ")}${steps.length > 20 ? " …" : ""}.`;
  throw new BootlaceError("E_UNKNOWN_STEP", `In what is asked for, ${wrong.join("; ")}`, { hint });
}

function planSteps(draft: Draft): Plan["steps"] {
  if (draft.phase === "seal" || draft.phase === "destroy") return planReversed(draft, draft.phase);
  const inits = planInits(draft);
  return draft.phase === "init" ? inits.steps : [...inits.steps, ...planUpdates(draft, inits)];
}

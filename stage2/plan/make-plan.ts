import { BootlaceError } from "../errors/bootlace-error.ts";
import { findClosure } from "../graph/closure.ts";
import type { MachineState } from "../journal/fold.ts";
import type { Facts } from "../types/facts.ts";
import type { Left, Plan, Reason, ScriptStep, StepId } from "../types/plan.ts";
import type { Phase, Project, Service } from "../types/service.ts";
import { holds, missingNeeds, whyAbsent } from "./conditions.ts";
import { initChanged, initDigest } from "./digest.ts";
import { planPackages } from "./packages.ts";
import { applyRenames, findRenames } from "./renames.ts";

export interface PlanRequest {
  readonly project: Project;
  /** Empty: the project's own roots. */
  readonly roots: readonly string[];
  readonly state: MachineState;
  readonly facts: Facts;
  /** Salted hash of `facts.machine`, as the journal has it. */
  readonly mach: string;
  readonly trigger: "boot" | "asked";
  /** Only this phase; without it inits of what is new, then updates. */
  readonly phase?: Phase;
  /** Steps to run although they are done: `web.init`. */
  readonly rerun?: readonly StepId[];
  readonly assumeInit?: readonly string[];
}

/**
 * Decides which phase of which service runs, in which order and why. Nothing is touched: the same request gives the
 * same plan.
 *
 * @throws {BootlaceError} `E_UNKNOWN_SERVICE` for a root, `E_NEEDS` naming everything that lacks, `E_INIT_CHANGED`.
 */
export function makePlan(request: PlanRequest): Plan {
  const { project, facts } = request;
  const byName = new Map(project.services.map((service) => [service.name, service]));
  const roots = request.roots.length > 0 ? request.roots : project.roots;
  const closure = findClosure(byName, roots, (service) => holds(service.when, facts));
  const renamed = findRenames(project.services, request.state);
  const state = applyRenames(request.state, renamed);

  const missing = missingNeeds(closure.services, facts);
  if (missing.length > 0)
    throw new BootlaceError("E_NEEDS", `This machine lacks what services need: ${missing.join("; ")}`);

  const draft: Draft = {
    ...request,
    state,
    services: closure.services,
    users: usersOf(closure.services, roots),
    left: [],
  };
  const steps =
    request.phase === "seal" || request.phase === "destroy" ? reversed(draft, request.phase) : forward(draft);

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

interface Draft extends PlanRequest {
  readonly services: readonly Service[];
  /** Who asked for a service, for the plan's details. */
  readonly users: ReadonlyMap<string, string>;
  readonly left: Left[];
}

function usersOf(services: readonly Service[], roots: readonly string[]): Map<string, string> {
  const users = new Map<string, string>();
  for (const service of services) {
    for (const name of service.requires) if (!users.has(name)) users.set(name, `required by ${service.name}`);
  }
  for (const root of roots) users.set(root, "asked for");
  return users;
}

const standing = (draft: Draft, service: Service, phase: Phase) =>
  draft.state.services.get(service.name)?.phases[phase];
const inited = (draft: Draft, service: Service) => draft.state.services.get(service.name)?.inited;
const assumed = (draft: Draft, name: string): boolean =>
  (draft.assumeInit?.includes(name) ?? false) && draft.state.services.get(name)?.inited === undefined;

function hasChanged(draft: Draft, service: Service): boolean {
  const ran = inited(draft, service);
  return ran !== undefined && service.phases.init !== undefined && initChanged(ran.dig, initDigest(service));
}

/** Why a service's init has to run now, or undefined when it has not. */
function initReason(draft: Draft, service: Service): Reason | undefined {
  if (draft.rerun?.includes(`${service.name}.init`)) return "asked";
  if (assumed(draft, service.name)) return undefined;
  const last = standing(draft, service, "init");
  if (inited(draft, service) !== undefined && last?.is === "done") {
    if (!hasChanged(draft, service) || service.onInitChange === "warn") return undefined;
    if (service.onInitChange === "rerun") return "changed";
    throw new BootlaceError(
      "E_INIT_CHANGED",
      `The init of ${service.name} has run, and differs from the one in the project`,
      {
        hint: `Run it again with --rerun ${service.name}.init, or take the change back.`,
      },
    );
  }
  if (last?.is === "failed") return last.why === "interrupted" ? "interrupted" : "failed-before";
  // A start that another machine of the lineage recorded says nothing of this one.
  return last?.is === "started" && last.mach === draft.mach ? "interrupted" : "new";
}

/** Steps that give what a service gives, for those that depend on it. */
type Providers = Map<string, readonly StepId[]>;

/** Joins without copying where there is nothing to join: long chains share one list. */
function join(lists: readonly (readonly StepId[])[]): readonly StepId[] {
  const filled = lists.filter((list) => list.length > 0);
  return filled.length <= 1 ? (filled[0] ?? []) : [...new Set(filled.flat())];
}

function forward(draft: Draft): Plan["steps"] {
  const { services, phase, state, facts } = draft;
  const reasons = new Map(
    phase === "update" ? [] : services.map((service) => [service.name, initReason(draft, service)] as const),
  );
  const hasInit = (service: Service) => reasons.get(service.name) !== undefined && service.phases.init !== undefined;
  const byName = new Map(services.map((service) => [service.name, service]));
  const initOf = (name: string): StepId | undefined => {
    const service = byName.get(name);
    return service !== undefined && hasInit(service) ? `${name}.init` : undefined;
  };
  const wantPackages = services.filter(
    (service) => phase !== "update" || service.phases.init === undefined || inited(draft, service) !== undefined,
  );
  const packages = planPackages(wantPackages, state, facts, initOf);

  const ready: Providers = new Map();
  const inits: ScriptStep[] = [];
  for (const service of services) {
    const own = packages.stepOf.get(service.name);
    const before = join([own === undefined ? [] : [own], ...service.requires.map((name) => ready.get(name) ?? [])]);
    if (!hasInit(service)) {
      ready.set(service.name, before);
      continue;
    }
    const id = `${service.name}.init`;
    const why = reasons.get(service.name) ?? "new";
    const detail = `${draft.users.get(service.name) ?? "asked for"}${explain[why]}`;
    inits.push({
      kind: "script",
      id,
      stage: 0,
      service: service.name,
      phase: "init",
      needs: before,
      after: service.after.flatMap((name) => initOf(name) ?? []),
      why,
      detail,
    });
    ready.set(service.name, [id]);
  }
  const updates = phase === "init" ? [] : planUpdates(draft, ready, reasons);
  return [...interleave(packages.steps, inits), ...updates];
}

const explain: Record<Reason, string> = {
  new: "",
  interrupted: "; it was interrupted",
  "failed-before": "; it failed before",
  changed: "; it has changed since it ran",
  boot: "",
  asked: "; asked to run again",
};

/** Puts each transaction before the first init that needs it. */
function interleave(packages: Plan["steps"], inits: readonly ScriptStep[]): Plan["steps"] {
  const waiting = [...packages];
  const placed = new Set<StepId>();
  const all: Plan["steps"][number][] = [];
  for (const init of inits) {
    for (const step of waiting.filter((step) => init.needs.includes(step.id) && !placed.has(step.id))) {
      placed.add(step.id);
      all.push(step);
    }
    all.push(init);
  }
  return [...waiting.filter((step) => !placed.has(step.id)), ...all];
}

function planUpdates(draft: Draft, ready: Providers, reasons: ReadonlyMap<string, Reason | undefined>): ScriptStep[] {
  const { services } = draft;
  const hasUpdate = new Set(
    services.filter((s) => s.phases.update !== undefined || s.ready !== undefined).map((s) => s.name),
  );
  const neverInited = new Set<string>();
  const up: Providers = new Map();
  const steps: ScriptStep[] = [];
  for (const service of services) {
    const { name } = service;
    const done = inited(draft, service) !== undefined || assumed(draft, name) || service.phases.init === undefined;
    if ((draft.phase === "update" && !done) || service.requires.some((other) => neverInited.has(other))) {
      neverInited.add(name);
      draft.left.push({
        service: name,
        phase: "update",
        why: done ? "a service that it requires is not initialised" : "its init has not run",
      });
      continue;
    }
    const required = service.requires.map((other) => up.get(other) ?? []);
    if (!hasUpdate.has(name)) {
      up.set(name, join(required));
      continue;
    }
    // Its own init stands for those of what it requires: they are not repeated along the chain.
    const before = join([ready.get(name) ?? [], ...required]);
    const id = `${name}.update`;
    const after = service.after.filter((other) => hasUpdate.has(other)).map((other) => `${other}.update`);
    const { why, detail } = updateReason(draft, service, reasons.get(name));
    steps.push({ kind: "script", id, stage: 1, service: name, phase: "update", needs: before, after, why, detail });
    up.set(name, [id]);
  }
  return steps;
}

function updateReason(draft: Draft, service: Service, init: Reason | undefined): { why: Reason; detail: string } {
  if (draft.rerun?.includes(`${service.name}.update`)) return { why: "asked", detail: "asked for" };
  const last = standing(draft, service, "update");
  if (last?.is === "failed" && last.why !== "interrupted") return { why: "failed-before", detail: "it failed before" };
  if (last?.is === "failed" || (last?.is === "started" && last.mach === draft.mach)) {
    return { why: "interrupted", detail: "it was interrupted" };
  }
  if (init !== undefined && last === undefined) return { why: "new", detail: "after its init" };
  return draft.trigger === "boot" ? { why: "boot", detail: "every boot" } : { why: "asked", detail: "asked for" };
}

/** Seal and destroy go from the dependents down; a failure stops nobody else. */
function reversed(draft: Draft, phase: "seal" | "destroy"): ScriptStep[] {
  const dependents: Providers = new Map();
  const steps: ScriptStep[] = [];
  for (const service of draft.services.toReversed()) {
    const own = service.phases[phase] !== undefined;
    const after = dependents.get(service.name) ?? [];
    const id = `${service.name}.${phase}`;
    if (own) {
      steps.push({
        kind: "script",
        id,
        stage: 0,
        service: service.name,
        phase,
        needs: [],
        after,
        why: "asked",
        detail: "dependents first",
      });
    }
    for (const name of [...service.requires, ...service.after]) {
      dependents.set(name, join([dependents.get(name) ?? [], own ? [id] : after]));
    }
  }
  return steps;
}

import { BootlaceError } from "../errors/bootlace-error.ts";
import type { Plan, Reason, ScriptStep, StepId } from "../types/plan.ts";
import type { Service } from "../types/service.ts";
import { assumed, type Draft, hasChanged, inited, join, type Providers, standing } from "./draft.ts";
import { planPackages } from "./packages.ts";

export interface PlannedInits {
  /** Transactions of packages and inits. */
  readonly steps: Plan["steps"];
  /** By service: the steps that give what it gives before any update. */
  readonly ready: Providers;
  /** By service: why its init has to run, where it has to. */
  readonly reasons: ReadonlyMap<string, Reason | undefined>;
}

/**
 * Plans what comes before all updates: packages, then the inits that the journal does not have.
 *
 * @throws {BootlaceError} `E_INIT_CHANGED`.
 */
export function planInits(draft: Draft): PlannedInits {
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
  const packages = planPackages(services, wantPackages, state, facts, initOf);

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
  return { steps: interleave(packages.steps, inits), ready, reasons };
}

const explain: Record<Reason, string> = {
  new: "",
  interrupted: "; it was interrupted",
  "failed-before": "; it failed before",
  changed: "; it has changed since it ran",
  boot: "",
  asked: "; asked to run again",
};

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

/** Puts each transaction, and those before it, before the first init that needs it. */
function interleave(packages: Plan["steps"], inits: readonly ScriptStep[]): Plan["steps"] {
  const waiting = [...packages];
  const all: Plan["steps"][number][] = [];
  for (const init of inits) {
    const last = waiting.findLastIndex((step) => init.needs.includes(step.id));
    all.push(...waiting.splice(0, last + 1), init);
  }
  return [...all, ...waiting];
}

import type { ScriptStep } from "../types/plan.ts";
import { type Draft, join, type Providers } from "./draft.ts";

/** Seal and destroy go from the dependents down; a failure stops nobody else. */
export function planReversed(draft: Draft, phase: "seal" | "destroy"): ScriptStep[] {
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

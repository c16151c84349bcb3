import type { Reason, ScriptStep } from "../types/plan.ts";
import type { Service } from "../types/service.ts";
import { assumed, type Draft, inited, join, type Providers, standing } from "./draft.ts";
import type { PlannedInits } from "./plan-inits.ts";

/** Plans the updates of the whole closure. A service whose init is not done, and will not be, is left out. */
export function planUpdates(draft: Draft, { ready, reasons }: Pick<PlannedInits, "ready" | "reasons">): ScriptStep[] {
  const { services } = draft;
  const hasUpdate = new Set(
    services.filter((s) => s.phases.update !== undefined || s.ready !== undefined).map((s) => s.name),
  );
  const neverInited = new Set<string>();
  const up: Providers = new Map();
  const steps: ScriptStep[] = [];
  for (const service of services) {
    const { name } = service;
    const failed = draft.phase === "update" && standing(draft, service, "init")?.is === "failed";
    const known = inited(draft, service) !== undefined || assumed(draft, name) || service.phases.init === undefined;
    const done = known && !failed;
    if ((draft.phase === "update" && !done) || service.requires.some((other) => neverInited.has(other))) {
      neverInited.add(name);
      draft.left.push({
        service: name,
        phase: "update",
        why: done
          ? "a service that it requires is not initialised"
          : failed
            ? "its init failed"
            : "its init has not run",
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
  return draft.trigger === "boot" ? { why: "boot", detail: "every boot" } : { why: "asked", detail: "every run" };
}

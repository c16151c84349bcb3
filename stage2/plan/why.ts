import { BootlaceError } from "../errors/bootlace-error.ts";
import type { MachineState } from "../journal/fold.ts";
import type { Plan, Step } from "../types/plan.ts";
import type { Phase, Project } from "../types/service.ts";

/** Why a service is there, what has been done of it and what would be. */
export interface Explanation {
  readonly service: string;
  /** From a root down to the service, or empty when nothing asked for brings it along. */
  readonly path: readonly string[];
  readonly done: readonly { readonly phase: Phase; readonly is: string; readonly t: number }[];
  readonly steps: readonly Step[];
  /** Why it is left out, where it is. */
  readonly left?: string;
}

/** @throws {BootlaceError} `E_UNKNOWN_SERVICE`. */
export function explain(project: Project, plan: Plan, state: MachineState, name: string): Explanation {
  if (!project.services.some((service) => service.name === name)) {
    throw new BootlaceError("E_UNKNOWN_SERVICE", `No service is called "${name}"`, {
      hint: `This project has: ${project.services.map((service) => service.name).join(", ") || "no services"}.`,
    });
  }
  const left = plan.left.find((entry) => entry.service === name)?.why;
  return {
    service: name,
    path: pathTo(project, plan.roots, name),
    done: Object.entries(state.services.get(name)?.phases ?? {}).map(([phase, standing]) => ({
      phase: phase as Phase,
      is: "why" in standing ? `${standing.is} (${standing.why})` : standing.is,
      t: standing.t,
    })),
    steps: plan.steps.filter((step) => (step.kind === "script" ? step.service === name : step.services.includes(name))),
    ...(left !== undefined && { left }),
  };
}

/** The shortest way along `requires`. */
function pathTo(project: Project, roots: readonly string[], name: string): string[] {
  const services = new Map(project.services.map((service) => [service.name, service]));
  const from = new Map<string, string | undefined>(roots.map((root) => [root, undefined]));
  const queue = [...roots];
  for (let at = 0; at < queue.length && !from.has(name); at++) {
    const current = queue[at] ?? "";
    for (const next of services.get(current)?.requires ?? []) {
      if (from.has(next)) continue;
      from.set(next, current);
      queue.push(next);
    }
  }
  if (!from.has(name)) return [];
  const path: string[] = [];
  for (let at: string | undefined = name; at !== undefined; at = from.get(at)) path.push(at);
  return path.reverse();
}

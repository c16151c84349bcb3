import type { MachineState, Standing } from "../journal/fold.ts";
import type { Facts } from "../types/facts.ts";
import type { Left, StepId } from "../types/plan.ts";
import type { Phase, Project, Service } from "../types/service.ts";
import { initChanged, initDigest } from "./digest.ts";

export interface PlanRequest {
  readonly project: Project;
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

/** A plan in the making: the request, the closure, and what was left out so far. */
export interface Draft extends PlanRequest {
  readonly services: readonly Service[];
  /** Who asked for a service, for the plan's details. */
  readonly users: ReadonlyMap<string, string>;
  readonly left: Left[];
}

export function usersOf(services: readonly Service[], roots: readonly string[]): Map<string, string> {
  const users = new Map<string, string>();
  for (const service of services) {
    for (const name of service.requires) if (!users.has(name)) users.set(name, `required by ${service.name}`);
  }
  for (const root of roots) users.set(root, "asked for");
  return users;
}

/** How the last try of a phase stands. */
export const standing = (draft: Draft, service: Service, phase: Phase): Standing | undefined =>
  draft.state.services.get(service.name)?.phases[phase];
/** The init that ended well, if one did. */
export const inited = (draft: Draft, service: Service) => draft.state.services.get(service.name)?.inited;
/** True where the user says that the init is done, and the journal does not know it. */
export const assumed = (draft: Draft, name: string): boolean =>
  (draft.assumeInit?.includes(name) ?? false) && draft.state.services.get(name)?.inited === undefined;

/** True where the init that ran differs from the one in the project. */
export function hasChanged(draft: Draft, service: Service): boolean {
  const ran = inited(draft, service);
  return ran !== undefined && service.phases.init !== undefined && initChanged(ran.dig, initDigest(service));
}

/** Steps that give what a service gives, for those that depend on it. */
export type Providers = Map<string, readonly StepId[]>;

/** Joins without copying where there is nothing to join: long chains share one list. */
export function join(lists: readonly (readonly StepId[])[]): readonly StepId[] {
  const filled = lists.filter((list) => list.length > 0);
  return filled.length <= 1 ? (filled[0] ?? []) : [...new Set(filled.flat())];
}

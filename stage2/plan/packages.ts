import type { MachineState } from "../journal/fold.ts";
import type { Facts } from "../types/facts.ts";
import type { PackageStep, StepId } from "../types/plan.ts";
import { PACKAGE_MANAGERS, type PackageManager, type Service } from "../types/service.ts";

/** The manager of this machine, or undefined where none of ours is there. */
export function packageManager(facts: Facts): PackageManager | undefined {
  return PACKAGE_MANAGERS.find((manager) => facts.has.includes(manager));
}

/** Names that a service wants and the journal does not have. */
export function missingPackages(service: Service, state: MachineState, manager: PackageManager): string[] {
  const had = new Set(state.services.get(service.name)?.packages[manager] ?? []);
  return (service.packages[manager] ?? []).filter((name) => !had.has(name));
}

/**
 * One transaction for all pending services; services with `packagesAfter` share a later one with those that wait for
 * the same. Transactions follow each other in the order in which what they wait for can be done, so that none waits
 * for a later one.
 *
 * @param closure all services of the plan, in order.
 * @param initOf the step that runs a service's init in this plan, if there is one.
 */
export function planPackages(
  closure: readonly Service[],
  pending: readonly Service[],
  state: MachineState,
  facts: Facts,
  initOf: (service: string) => StepId | undefined,
): { readonly steps: readonly PackageStep[]; readonly stepOf: ReadonlyMap<string, StepId> } {
  const manager = packageManager(facts);
  if (manager === undefined) return { steps: [], stepOf: new Map() };
  const groups = new Map<string, Service[]>();
  for (const service of pending) {
    if (missingPackages(service, state, manager).length === 0) continue;
    const key = [...service.packagesAfter].sort().join(" ");
    groups.set(key, [...(groups.get(key) ?? []), service]);
  }
  const place = new Map(closure.map((service, index) => [service.name, index]));
  const last = (key: string): number => Math.max(-1, ...key.split(" ").map((name) => place.get(name) ?? -1));
  const stepOf = new Map<string, StepId>();
  const steps = [...groups]
    .sort(([a], [b]) => last(a) - last(b) || (a < b ? -1 : 1))
    .map(([key, services], index): PackageStep => {
      const id = `packages.${manager}.${index + 1}`;
      const packages: Record<string, string[]> = {};
      for (const service of services) {
        stepOf.set(service.name, id);
        for (const name of service.packages[manager] ?? []) packages[name] = [...(packages[name] ?? []), service.name];
      }
      const names = services.map((service) => service.name);
      return {
        kind: "packages",
        id,
        stage: 0,
        manager,
        packages,
        services: names,
        needs: key === "" ? [] : key.split(" ").flatMap((name) => initOf(name) ?? []),
        after: index === 0 ? [] : [`packages.${manager}.${index}`],
        why: "new",
        detail: `${Object.keys(packages).join(", ")} for ${names.join(", ")}`,
      };
    });
  return { steps, stepOf };
}

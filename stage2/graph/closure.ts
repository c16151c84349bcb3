import { BootlaceError } from "../errors/bootlace-error.ts";
import type { Service } from "../types/service.ts";
import { orderNodes } from "./order.ts";

/** What the roots need, and which of it does not apply here. */
export interface Closure {
  /** Services that apply, each after everything that it requires or stands after. */
  readonly services: readonly Service[];
  /** Services whose `when` does not hold: they count as satisfied, and what only they require stays out. */
  readonly absent: readonly string[];
}

/**
 * Walks from the roots along `requires`. A service whose `when` is false ends the walk: its own requirements are not
 * pulled in by it.
 *
 * @param services by name.
 * @param holds tells whether a service's `when` holds on the machine in question.
 * @throws {BootlaceError} `E_UNKNOWN_SERVICE` for a root that is not there, `E_CYCLE` for a loop: a checked project has neither.
 */
export function findClosure(
  services: ReadonlyMap<string, Service>,
  roots: readonly string[],
  holds: (service: Service) => boolean,
): Closure {
  const found = new Map<string, Service>();
  const absent = new Set<string>();
  const waiting = [...roots];
  for (let name = waiting.pop(); name !== undefined; name = waiting.pop()) {
    if (found.has(name) || absent.has(name)) continue;
    const service = services.get(name);
    if (service === undefined) {
      throw new BootlaceError("E_UNKNOWN_SERVICE", `No service is called "${name}"`, {
        hint: `This project has: ${[...services.keys()].join(", ") || "no services"}.`,
      });
    }
    if (!holds(service)) {
      absent.add(name);
      continue;
    }
    found.set(name, service);
    waiting.push(...service.requires);
  }
  const ordering = orderNodes(
    [...found.values()].map(({ name, requires, after, packagesAfter }) => ({
      name,
      before: after.length + packagesAfter.length === 0 ? requires : [...requires, ...after, ...packagesAfter],
    })),
  );
  if (!ordering.ok) {
    throw new BootlaceError("E_CYCLE", `Services require each other in a circle: ${ordering.cycle.join(" → ")}`);
  }
  return {
    services: ordering.names.flatMap((name) => found.get(name) ?? []),
    absent: [...absent].sort(),
  };
}

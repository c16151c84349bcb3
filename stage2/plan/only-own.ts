import { findClosure } from "../graph/closure.ts";
import type { Facts } from "../types/facts.ts";
import type { Project } from "../types/service.ts";
import { holds } from "./conditions.ts";

/**
 * Of what is asked for, the services that the machine has anyway: who asks may say which of them, and may bring none along.
 *
 * @param roots what the machine has by itself.
 */
export function onlyOwn(asked: readonly string[], roots: readonly string[], project: Project, facts: Facts): string[] {
  const byName = new Map(project.services.map((service) => [service.name, service]));
  const own = findClosure(byName, roots, (service) => holds(service.when, facts)).services;
  return asked.filter((name) => own.some((service) => service.name === name));
}

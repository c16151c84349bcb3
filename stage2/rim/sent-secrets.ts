import { existsSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { findClosure } from "../graph/closure.ts";
import { holds } from "../plan/conditions.ts";
import type { Facts } from "../types/facts.ts";
import type { Phase, Project } from "../types/service.ts";
import { memoryFolder } from "./memory.ts";
import type { Paths } from "./paths.ts";

/** How long a builder that rebooted waits for its desk, in milliseconds: it has to boot until the desk gets in. */
const PATIENCE = 300_000;
const LOOK_EVERY = 100;

export interface Awaited {
  readonly paths: Paths;
  readonly facts: Facts;
  readonly project: Project;
  readonly roots: readonly string[];
  readonly phase: Phase;
  readonly stop: AbortSignal;
}

/**
 * Waits until the desk has sent again what a reboot took: secrets lie in memory. Returns when all are there, when the
 * patience is over (a service then says what it misses), or when the run is to stop.
 */
export async function awaitSentSecrets({ paths, facts, project, roots, phase, stop }: Awaited): Promise<void> {
  const memory = memoryFolder(paths);
  if (memory === undefined) return;
  const byName = new Map(project.services.map((service) => [service.name, service]));
  const { services } = findClosure(byName, roots, ({ when }) => holds(when, facts));
  const files = services.flatMap(({ name, secrets }) =>
    Object.entries(secrets)
      .filter(([, { source, phases }]) => source === undefined && phases.some((one) => one === phase))
      .map(([secret]) => join(memory, "secrets", name, secret)),
  );
  const until = performance.now() + PATIENCE;
  while (files.some((file) => !existsSync(file)) && performance.now() < until && !stop.aborted) await sleep(LOOK_EVERY);
}

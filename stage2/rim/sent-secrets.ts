import { existsSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Service } from "../types/service.ts";
import { memoryFolder } from "./memory.ts";
import type { Paths } from "./paths.ts";

/** How long a machine that rebooted waits for its desk, in milliseconds: it has to boot until the desk gets in. */
const PATIENCE = { build: 300_000, smoke: 60_000, run: 60_000 } as const;
const LOOK_EVERY = 100;

export interface Awaited {
  readonly paths: Paths;
  readonly purpose: keyof typeof PATIENCE;
  readonly services: readonly Service[];
  /** What the run still has to do; what is done misses nothing. */
  readonly steps: readonly { readonly service: string; readonly phase: string }[];
  readonly stop: AbortSignal;
}

/**
 * Waits until the desk has sent again what a reboot took: secrets lie in memory. Returns when all that the steps need are
 * there, when the patience is over (a service then says what it misses), or when the run is to stop.
 */
export async function awaitSentSecrets({ paths, purpose, services, steps, stop }: Awaited): Promise<void> {
  const memory = memoryFolder(paths);
  if (memory === undefined) return;
  const byName = new Map(services.map((service) => [service.name, service]));
  const files = steps.flatMap(({ service, phase }) =>
    Object.entries(byName.get(service)?.secrets ?? {})
      .filter(([, { source, phases }]) => source === undefined && phases.some((one) => one === phase))
      .map(([secret]) => join(memory, "secrets", service, secret)),
  );
  const until = performance.now() + PATIENCE[purpose];
  while (files.some((file) => !existsSync(file)) && performance.now() < until && !stop.aborted) await sleep(LOOK_EVERY);
}

import { BootlaceError } from "../../stage2/index.ts";
import { didYouMean } from "../cli/did-you-mean.ts";
import { loadProject } from "../project/load-project.ts";
import type { Machine } from "./machine.ts";
import { machineNames, readJson, specFile } from "./machine-folder.ts";
import { providerNamed } from "./providers.ts";

/**
 * The machine of a name, whatever provider made it. Hosts and groups are found by src/fleet/targets.ts.
 *
 * @throws {BootlaceError} `E_MACHINE_UNKNOWN` with the nearest name; `E_PROVIDER_UNSUPPORTED` for a host or a group.
 */
export async function findMachine(dir: string, target: string): Promise<Machine> {
  if (/[@:]|^i-/.test(target) || target === "--here")
    throw new BootlaceError("E_PROVIDER_UNSUPPORTED", `Expected a machine that Bootlace made, got ${target}`, {
      hint: "A host that exists is neither launched nor stopped; `bootlace apply` and `bootlace reboot` take it.",
    });
  const machine = await lookUp(dir, target);
  if (machine) return machine;
  const names = await machineNames(dir);
  const near = didYouMean(target, names);
  throw new BootlaceError("E_MACHINE_UNKNOWN", `No machine ${target} is up; there is: ${names.join(", ") || "none"}`, {
    hint: near ? `Did you mean "${near}"?` : isHostLike(target) ? hostHint(target) : await startHint(dir, target),
  });
}

/** An address or a name with a domain: no machine of a project has a dot in its name. */
const isHostLike = (target: string): boolean => target.includes(".");
const hostHint = (target: string): string => `A host is written with its user: root@${target}.`;

/** Proposes only what `bootlace up` would take; a project that cannot be read is not the question here. */
async function startHint(dir: string, target: string): Promise<string> {
  const config = await loadProject(dir).then(
    ({ config }) => config,
    () => undefined,
  );
  if (!config) return "`bootlace status` lists the machines.";
  const startable = [...new Set([...Object.keys(config.machines), ...Object.keys(config.images)])];
  if (startable.includes(target)) return `Start it: bootlace up ${target}`;
  const near = didYouMean(target, startable);
  if (near) return `Did you mean "${near}"? Start it: bootlace up ${near}`;
  if (startable.length > 0) return `bootlace.yaml has: ${startable.join(", ")}. Start one: bootlace up NAME`;
  return "bootlace.yaml has no machine and no image; add one under `machines:`.";
}

/** The machine of a name, or undefined. */
export async function lookUp(dir: string, name: string): Promise<Machine | undefined> {
  const spec = await readJson<{ readonly provider?: string }>(specFile(dir, name));
  return spec?.provider === undefined ? undefined : providerNamed(spec.provider).find(dir, name);
}

import { BootlaceError } from "../../stage2/index.ts";
import { didYouMean } from "../cli/did-you-mean.ts";
import type { Machine } from "./machine.ts";
import { machineNames, readJson, specFile } from "./machine-folder.ts";
import { providerNamed } from "./providers.ts";

/**
 * The machine of a name, whatever provider made it.
 *
 * @throws {BootlaceError} `E_MACHINE_UNKNOWN` with the nearest name; `E_PROVIDER_UNSUPPORTED` for a host, a group or an instance.
 */
export async function findMachine(dir: string, target: string): Promise<Machine> {
  if (/[@:]|^i-/.test(target) || target === "--here")
    throw new BootlaceError("E_PROVIDER_UNSUPPORTED", `${target}: this version reaches sandboxes of the project only`, {
      hint: "`bootlace apply --here` runs the project on this very machine.",
    });
  const machine = await lookUp(dir, target);
  if (machine) return machine;
  const names = await machineNames(dir);
  const near = didYouMean(target, names);
  throw new BootlaceError("E_MACHINE_UNKNOWN", `No machine ${target} is up; there is: ${names.join(", ") || "none"}`, {
    hint: near ? `Did you mean "${near}"?` : `Start it: bootlace up ${target}`,
  });
}

/** The machine of a name, or undefined. */
export async function lookUp(dir: string, name: string): Promise<Machine | undefined> {
  const spec = await readJson<{ readonly provider?: string }>(specFile(dir, name));
  return spec?.provider === undefined ? undefined : providerNamed(spec.provider).find(dir, name);
}

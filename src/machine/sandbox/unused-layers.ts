import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { machineNames, readJson } from "../machine-folder.ts";
import { filesOf, type SandboxSpec } from "./sandbox-spec.ts";

/** Unpacked layers, in the depots that the project's machines are in, which nothing stands on; absolute paths. */
export async function unusedLayers(dir: string, used: ReadonlySet<string>): Promise<readonly string[]> {
  const depots = new Set([join(dir, ".bootlace", "sandbox")]);
  for (const name of await machineNames(dir)) {
    const spec = await readJson<SandboxSpec>(filesOf(dir, name).spec);
    if (spec) depots.add(spec.depot);
  }
  const found: string[] = [];
  for (const depot of depots)
    for (const name of await readdir(join(depot, "layers")).catch(() => []))
      if (!used.has(name)) found.push(join(depot, "layers", name));
  return found;
}

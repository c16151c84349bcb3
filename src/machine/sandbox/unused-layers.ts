import { lstat, readdir } from "node:fs/promises";
import { join } from "node:path";
import { machineNames, readJson } from "../machine-folder.ts";
import { isOurs } from "./own-folder.ts";
import { filesOf, type SandboxSpec } from "./sandbox-spec.ts";

const LAYER = /^[0-9a-f]{64}$/;
/** As unpackLayer() names what it is still unpacking. */
const UNFINISHED = /^[0-9a-f]{64}\.[A-Za-z0-9]{6}$/;
/** After so long nobody is still unpacking; milliseconds. */
const ABANDONED_AFTER = 24 * 60 * 60 * 1000;

/**
 * Unpacked layers, in the depots that the project's machines are in, which nothing stands on, and what a killed process
 * left half unpacked; absolute paths.
 */
export async function unusedLayers(
  dir: string,
  used: ReadonlySet<string>,
  now = Date.now(),
): Promise<readonly string[]> {
  const depots = new Set([join(dir, ".bootlace", "sandbox")]);
  for (const name of await machineNames(dir)) {
    const spec = await readJson<SandboxSpec>(filesOf(dir, name).spec);
    if (spec?.provider === "sandbox") depots.add(spec.depot);
  }
  const found: string[] = [];
  for (const depot of depots) {
    const layers = join(depot, "layers");
    // What lies in somebody else's folder may be a link to anywhere.
    if (!((await isOurs(depot)) && (await isOurs(layers)))) continue;
    for (const name of await readdir(layers)) {
      const path = join(layers, name);
      if (LAYER.test(name) ? !used.has(name) : UNFINISHED.test(name) && (await isAbandoned(path, now)))
        found.push(path);
    }
  }
  return found;
}

/** By the time of its last change of any kind: tar gives a folder the mtime that the archive names. */
async function isAbandoned(path: string, now: number): Promise<boolean> {
  const changed = await lstat(path).catch(() => undefined);
  return changed !== undefined && now - changed.ctimeMs > ABANDONED_AFTER;
}

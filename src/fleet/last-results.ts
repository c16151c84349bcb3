import { join } from "node:path";
import { readJson, writeJson } from "../machine/machine-folder.ts";
import { type HostResult, isGreen } from "./result.ts";

/** `.bootlace/fleet/last.json`: how apply last ended on each machine. */
interface LastResults {
  readonly v: 1;
  readonly targets: Readonly<Record<string, HostResult>>;
}

const fileOf = (dir: string): string => join(dir, ".bootlace", "fleet", "last.json");

/** Adds results; machines that were not meant this time keep theirs. */
export async function keepResults(dir: string, results: readonly HostResult[]): Promise<void> {
  const known = await readJson<LastResults>(fileOf(dir));
  const targets = { ...known?.targets, ...Object.fromEntries(results.map((result) => [result.target, result])) };
  await writeJson(fileOf(dir), { v: 1, targets } satisfies LastResults);
}

/** The machines on which the last apply did not end well: failed, out of reach, left out, or not followed to the end. */
export async function notGreen(dir: string): Promise<readonly HostResult[]> {
  const known = await readJson<LastResults>(fileOf(dir));
  return Object.values(known?.targets ?? {}).filter((result) => !isGreen(result));
}

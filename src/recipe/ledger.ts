import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { readJson, writeJson } from "../machine/machine-folder.ts";
import { identifyProcess, isAlive, type ProcessIdentity } from "../machine/process-identity.ts";

/** What one build, test or demo creates; written before it creates anything, so that a dead desk's leftovers are found. */
export interface LedgerEntry {
  readonly id: string;
  /** `image web`, `test shop`. */
  readonly of: string;
  /** Milliseconds since 1970. */
  readonly created: number;
  readonly expires: number;
  readonly desk: ProcessIdentity;
  readonly provider: string;
  readonly machines: readonly string[];
  /** The image that a build makes: what it left goes with it, unless it has a record that says more than `building`. */
  readonly image?: { readonly name: string; readonly id: string; readonly arch?: string };
  /** Absolute paths that go with it. */
  readonly folders: readonly string[];
  /** `kept`: its owner wanted it to stay, until it expires. */
  readonly state: "running" | "kept";
}

const ledgerFolder = (dir: string): string => join(dir, ".bootlace", "ledger");
const entryFile = (dir: string, id: string): string => join(ledgerFolder(dir), `${id}.json`);

export const writeLedger = (dir: string, entry: LedgerEntry): Promise<void> =>
  writeJson(entryFile(dir, entry.id), entry);
export const readLedger = (dir: string, id: string): Promise<LedgerEntry | undefined> => readJson(entryFile(dir, id));
export const removeLedger = (dir: string, id: string): Promise<void> => rm(entryFile(dir, id), { force: true });

/** All entries, oldest first. */
export async function listLedger(dir: string): Promise<readonly LedgerEntry[]> {
  const names = await readdir(ledgerFolder(dir)).catch(() => []);
  const entries = await Promise.all(
    names.filter((name) => name.endsWith(".json")).map((name) => readJson<LedgerEntry>(join(ledgerFolder(dir), name))),
  );
  return entries.filter((entry) => entry !== undefined).sort((a, b) => a.created - b.created);
}

/** True when nobody will come back for it: its desk is dead, or it was kept and its time is over. */
export function isAbandoned(entry: LedgerEntry, now: number): boolean {
  return entry.state === "kept" ? entry.expires <= now : !isAlive(entry.desk);
}

/** The present process, for a new entry. */
export function thisDesk(): ProcessIdentity {
  const identity = identifyProcess(process.pid);
  if (!identity) throw new Error("/proc does not know this process");
  return identity;
}

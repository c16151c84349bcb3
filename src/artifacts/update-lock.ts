import { rm } from "node:fs/promises";
import { join } from "node:path";
import { ARTIFACT_LIMITS, BootlaceError, type Fault } from "../../stage2/index.ts";
import { FaultList } from "../project/fault-list.ts";
import { Stamps } from "../project/stamps.ts";
import { inParallel } from "../store/in-parallel.ts";
import { writeDurably } from "../store/write-blob.ts";
import { checkArchive } from "../unpack/unpack-archive.ts";
import { LOCK_FILE, type Lock, type Locked, lockText } from "./lock-file.ts";
import { type NamedSource, namedSources } from "./named-sources.ts";
import { obtain } from "./obtain.ts";
import { readLock } from "./read-lock.ts";
import { shownSource } from "./remote-source.ts";

/** Downloads at the same time. */
const AT_ONCE = 4;

export interface LockPlan {
  readonly dir: string;
  readonly lock: Lock;
  /** Whose bytes must be seen, and why. */
  readonly ask: readonly (NamedSource & { readonly why: "new" | "asked again" | "its sha256 differs" })[];
  /** What nothing names any more. */
  readonly drop: readonly string[];
}

/** One source after it was asked. */
export interface LockChange extends Locked {
  readonly source: string;
  readonly state: "new" | "changed" | "same";
  /** The digest before. */
  readonly was?: string;
}

export interface LockProgress {
  readonly signal?: AbortSignal;
  readonly onBegin?: (source: string) => void;
  /** All bytes of what is being fetched now. */
  readonly onBytes?: (source: string, here: number, all: number | undefined) => void;
}

/**
 * Says what `bootlace lock` would do. Asks nobody.
 *
 * @param services Only what these name is fetched; empty: all.
 * @param update Asks also for what is locked.
 * @throws {BootlaceError} `E_CHECK`, also for a lock that cannot be read; `E_UNKNOWN_SERVICE`.
 */
export async function planLock(dir: string, services: readonly string[], update: boolean): Promise<LockPlan> {
  const named = await namedSources(dir);
  for (const name of services) {
    if (!named.services.includes(name)) throw new BootlaceError("E_UNKNOWN_SERVICE", `No service is called "${name}"`);
  }
  const lock = readLock(dir, { stamps: new Stamps(), faults: new FaultList() }) ?? new Map<string, Locked>();
  const ask = named.sources
    .filter(({ uses }) => services.length === 0 || uses.some(({ service }) => services.includes(service)))
    .flatMap((one): LockPlan["ask"] => {
      const locked = lock.get(one.source.id);
      if (locked === undefined) return [{ ...one, why: "new" }];
      if (one.sha256 !== undefined && one.sha256 !== locked.digest) return [{ ...one, why: "its sha256 differs" }];
      return update ? [{ ...one, why: "asked again" }] : [];
    });
  const ids = new Set(named.sources.map(({ source }) => source.id));
  return { dir, lock, ask, drop: [...lock.keys()].filter((id) => !ids.has(id)) };
}

/**
 * Fetches what a plan asks for and writes the lock with all that came.
 *
 * @returns a row for each source that was asked.
 * @throws {BootlaceError} `E_ARTIFACT_GET` with a fault for each source that failed; the others are locked all the same.
 */
export async function updateLock(plan: LockPlan, progress: LockProgress = {}): Promise<readonly LockChange[]> {
  const next = new Map(plan.lock);
  for (const id of plan.drop) next.delete(id);
  const faults: Fault[] = [];
  const rows = await inParallel(AT_ONCE, plan.ask, async (one): Promise<LockChange[]> => {
    const { source, uses } = one;
    progress.onBegin?.(shownSource(source));
    try {
      const { digest, bytes } = await seen(one, progress);
      const was = plan.lock.get(source.id)?.digest;
      next.set(source.id, { digest, bytes });
      const row = { source: source.id, digest, bytes };
      if (was === undefined) return [{ ...row, state: "new" }];
      return [was === digest ? { ...row, state: "same" } : { ...row, state: "changed", was }];
    } catch (error) {
      if (!(error instanceof BootlaceError) || progress.signal?.aborted) throw error;
      const { code, message, hint } = error;
      const place = uses[0]?.place;
      const more = { ...(place ? { place } : {}), ...(hint ? { suggestion: hint } : {}) };
      faults.push({ code, severity: "error", message, ...more });
      return [];
    }
  });
  await write(plan, next);
  if (faults.length === 0) return rows.flat();
  const [only] = faults;
  const code = faults.length === 1 && only ? only.code : "E_ARTIFACT_GET";
  const locked = plan.ask.length - faults.length;
  const others = locked === 0 ? "" : `; what came of the other ${locked} is in ${LOCK_FILE}`;
  throw new BootlaceError(code, `${faults.length} of ${plan.ask.length} sources could not be locked${others}`, {
    faults,
  });
}

async function seen({ source, sha256, uses }: NamedSource, { signal, onBytes }: LockProgress): Promise<Locked> {
  const got = await obtain(source, undefined, {
    ...(signal ? { signal } : {}),
    onBytes: (here, all) => onBytes?.(source.id, here, all),
  });
  if (sha256 !== undefined && sha256 !== got.digest) {
    const who = uses.find((use) => use.sha256 !== undefined)?.service;
    throw new BootlaceError(
      "E_ARTIFACT_DIGEST",
      `${shownSource(source)} has the digest ${got.digest}, ${who} expects ${sha256}`,
      { hint: "Whoever wrote `sha256` may know why; ask before you change it." },
    );
  }
  // A machine would refuse it later; here is somebody who can do something about it.
  if (uses.some(({ kind }) => kind === "tar.gz")) await checkArchive(got.file, ARTIFACT_LIMITS, shownSource(source));
  return got;
}

async function write({ dir, lock }: LockPlan, next: Lock): Promise<void> {
  if (next.size === 0) return rm(join(dir, LOCK_FILE), { force: true });
  const text = lockText(next);
  if (lock.size > 0 && text === lockText(lock)) return;
  await writeDurably(join(dir, LOCK_FILE), Buffer.from(text));
}

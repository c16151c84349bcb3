import { rm } from "node:fs/promises";
import { openRecords } from "../image/records/open-records.ts";
import { lookUp } from "../machine/find-machine.ts";
import type { Leftover, Provider } from "../machine/machine.ts";
import { machineNames, removeFolder } from "../machine/machine-folder.ts";
import { allProviders, providerNamed } from "../machine/providers.ts";
import { loadProject } from "../project/load-project.ts";
import { discardImage } from "./discard-image.ts";
import { isAbandoned, type LedgerEntry, listLedger, removeLedger } from "./ledger.ts";

export interface Garbage {
  readonly entries: readonly LedgerEntry[];
  /** Unpacked layers that no machine and no image uses any more; absolute paths. */
  readonly layers: readonly string[];
  /** What builds left at providers, and what is removed with the entries. */
  readonly remote: readonly Leftover[];
}

/** What dead desks left behind and kept builds whose time is over; nothing that a living desk works on. */
export async function findGarbage(dir: string, now: number, all = false): Promise<Garbage> {
  const ledger = await listLedger(dir);
  const entries = ledger.filter((entry) => isAbandoned(entry, now) || (all && entry.state === "kept"));
  // One that lasts longer than it was to is still its desk's.
  const living = ledger.filter((entry) => !isAbandoned(entry, now)).map(({ id }) => id);
  return { entries, layers: await unusedLayers(dir), remote: await remoteLeftovers(dir, now, entries, living) };
}

/** Asks only the providers that the project uses: the others would want credentials that nobody has. */
async function remoteLeftovers(
  dir: string,
  now: number,
  entries: readonly LedgerEntry[],
  living: readonly string[],
): Promise<readonly Leftover[]> {
  const found: Leftover[] = [];
  for (const provider of allProviders().filter(({ leftovers }) => leftovers)) {
    const own = entries.filter((entry) => entry.provider === provider.name).map(({ id }) => id);
    if (own.length > 0 || (await isUsed(dir, provider.name)))
      found.push(...((await provider.leftovers?.(dir, now, { over: own, living })) ?? []));
  }
  return found;
}

async function isUsed(dir: string, provider: string): Promise<boolean> {
  if ((await (await openRecords(dir)).all()).some((image) => image.provider === provider)) return true;
  const config = await loadProject(dir).then(
    (loaded) => loaded.config,
    () => undefined,
  );
  return [...Object.values(config?.images ?? {}), ...Object.values(config?.machines ?? {})].some(
    ({ on }) => on === provider,
  );
}

/** Removes it. An entry goes last, so that an interrupted gc is finished by the next. */
export async function removeGarbage(
  dir: string,
  garbage: Garbage,
  provider: (name: string) => Provider = providerNamed,
): Promise<void> {
  for (const entry of garbage.entries) {
    for (const name of entry.machines) await (await provider(entry.provider).find(dir, name))?.dispose();
    if (entry.image)
      await discardImage({ dir, image: entry.image, why: "its desk died", provider: provider(entry.provider) });
    for (const folder of entry.folders) await removeFolder(folder);
    await removeLedger(dir, entry.id);
  }
  // One that cannot go keeps none of the others.
  const removed: PromiseSettledResult<void>[] = [];
  for (const leftover of garbage.remote) removed.push(...(await Promise.allSettled([leftover.remove()])));
  for (const layer of garbage.layers) await rm(layer, { recursive: true, force: true });
  const failed = removed.find((result) => result.status === "rejected");
  if (failed) throw failed.reason;
}

async function unusedLayers(dir: string): Promise<readonly string[]> {
  const used = new Set(
    (await (await openRecords(dir)).all())
      .filter(({ state }) => state !== "gone")
      .flatMap(({ layers }) => layers.map(({ digest }) => digest)),
  );
  for (const name of await machineNames(dir)) {
    for (const { digest } of (await lookUp(dir, name))?.layers ?? []) used.add(digest);
  }
  return (await Promise.all(allProviders().map((provider) => provider.unused(dir, used)))).flat();
}

import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { qemuCache } from "./cache.ts";

/** After so long nobody is still working on it; milliseconds. */
const ABANDONED_AFTER = 24 * 60 * 60 * 1000;

/**
 * What killed desks left half made in the cache. Disks themselves stay: images of any project of this desk's user may
 * stand on them.
 */
export async function unusedDisks(now = Date.now()): Promise<readonly string[]> {
  const disks = join(qemuCache(), "disks");
  const found: string[] = [];
  for (const name of await readdir(disks).catch(() => [])) {
    const path = join(disks, name);
    const changed = name.startsWith("making-") ? await stat(path).catch(() => undefined) : undefined;
    if (changed && now - changed.ctimeMs > ABANDONED_AFTER) found.push(path);
  }
  return found;
}

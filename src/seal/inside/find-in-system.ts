import { lstat, readFile } from "node:fs/promises";
import { type Find, findAt } from "../find.ts";
import type { Needle } from "../needles.ts";
import { Published } from "../published.ts";
import { searchContent, searchEntry } from "../search-entry.ts";
import { walkLayer } from "../walk-layer.ts";

/** More tell nobody more, and it all goes through a session. */
const ENOUGH = 1000;

/**
 * Searches the file systems of the machine that this runs on, as they would be captured: names, links and leftovers
 * everywhere, contents of what changed since the build began. What lies in memory is not captured, so it is not searched.
 *
 * @param since milliseconds since 1970 by this machine's clock; a file's ctime cannot be set back.
 * @param root default `/`; other roots are for tests.
 */
export async function findInSystem(needles: readonly Needle[], since: number, root = "/"): Promise<readonly Find[]> {
  const finds: Find[] = [];
  const published = new Published(root);
  for (const volume of root === "/" ? await diskMounts() : [""]) {
    const folder = root === "/" ? volume : root;
    const top = await lstat(folder || "/");
    if (!top.isDirectory()) continue;
    const within = async (path: Buffer) => (await lstat(path)).dev === top.dev;
    for await (const inside of walkLayer(folder, { within })) {
      // Tools write files while this looks: one that went is no find.
      const entry = { ...inside, path: `${volume}${inside.path}` };
      const found = await Promise.all([
        searchEntry(entry, needles),
        (await changedSince(entry.file, since)) ? searchContent(entry, needles, published) : [],
      ]).catch(gone);
      for (const what of new Set(found.flatMap((some) => [...some]))) finds.push(findAt(entry.path, what));
      if (finds.length >= ENOUGH) return finds;
    }
  }
  return finds;
}

async function changedSince(file: Buffer, since: number): Promise<boolean> {
  const { ctimeMs } = await lstat(file);
  return ctimeMs >= since;
}

function gone(error: NodeJS.ErrnoException): readonly string[][] {
  if (error.code === "ENOENT") return [];
  throw error;
}

/** Mount points of what is on disks, without a slash at their end: a device of /dev, or the root whatever it is (proc_mounts(5)). */
async function diskMounts(): Promise<readonly string[]> {
  const mounts = (await readFile("/proc/self/mounts", "utf8")).split("\n").map((line) => line.split(" "));
  const disks = new Map<number, string>([[(await lstat("/")).dev, "/"]]);
  for (const [device = "", point = ""] of mounts) {
    const path = point.replace(/\\([0-7]{3})/g, (_all, octal: string) =>
      String.fromCharCode(Number.parseInt(octal, 8)),
    );
    if (!device.startsWith("/dev/")) continue;
    // What is mounted twice is captured once; subvolumes of btrfs share a device and are not one another.
    const { dev } = await lstat(path);
    if (!disks.has(dev)) disks.set(dev, path);
  }
  return [...disks.values()].map((path) => (path === "/" ? "" : path));
}

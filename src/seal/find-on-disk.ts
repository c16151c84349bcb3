import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type ExtEntry, ExtVolume } from "../disk/ext-volume.ts";
import { findVolumes } from "../disk/volumes.ts";
import type { Contents } from "../machine/machine.ts";
import { type Find, findAt } from "./find.ts";
import { LEFTOVERS, PRIVATE_KEY } from "./leftovers.ts";
import type { Needle } from "./needles.ts";
import { Published } from "./published.ts";
import { HEAD } from "./search-file.ts";
import { type Hit, searchRanges } from "./search-ranges.ts";

/** An attribute may lie in the table of inodes, which is no file's block. */
const NOBODYS = "no file's block (an extended attribute, or free space)";

/**
 * Searches a stopped machine's disk: values and private keys in every byte that was written since its base, whichever
 * file system holds it; leftovers by path where the file system can be read (ext2 to ext4).
 */
export async function findOnDisk(
  { path, written }: Contents & { readonly kind: "disk" },
  needles: readonly Needle[],
): Promise<readonly Find[]> {
  const volumes = await findVolumes(path);
  const hits = await searchRanges(path, written, needles);
  const finds: Find[] = [];
  const seen = new Set<string>();
  const add = ({ path, what }: Pick<Find, "path" | "what">): void => {
    const key = `${path}\0${what}`;
    if (seen.has(key)) return;
    seen.add(key);
    finds.push(findAt(path, what));
  };
  for (const { start, length, kind } of volumes) {
    const inside = hits.filter(({ offset }) => offset >= start && offset < start + length);
    if (kind === "ext") for (const find of await findInVolume(new ExtVolume(path, start), inside)) add(find);
    else for (const { what, offset } of inside) add({ path: `${kind} file system, byte ${offset - start}`, what });
  }
  for (const { what, offset } of hits)
    if (!volumes.some(({ start, length }) => offset >= start && offset < start + length))
      add({ path: `outside of every file system, byte ${offset}`, what });
  return finds;
}

async function findInVolume(volume: ExtVolume, hits: readonly Hit[]): Promise<readonly Pick<Find, "path" | "what">[]> {
  const finds: Pick<Find, "path" | "what">[] = [];
  const entries = await volume.list();
  for (const entry of entries) {
    if (entry.kind !== "file") continue;
    const rows = LEFTOVERS.filter(({ path }) => path.test(entry.path));
    if (rows.length === 0) continue;
    const head = rows.some(({ content }) => content) && entry.size > 0 ? await headOf(volume, entry) : "";
    for (const { what, content } of rows) if (!content || content.test(head)) finds.push({ path: entry.path, what });
  }
  const owners = hits.length > 0 ? await volume.ownersOf(hits.map(({ offset }) => offset)) : [];
  const keys = new Set<string>();
  for (const [index, { what }] of hits.entries()) {
    const path = owners[index];
    if (what === PRIVATE_KEY.what) {
      // What nobody can name any more is no key that somebody left: packages were unpacked and removed there.
      if (path?.startsWith("/")) keys.add(path);
    } else finds.push({ path: path ?? NOBODYS, what });
  }
  for (const path of await ownKeys(volume, keys)) finds.push({ path, what: PRIVATE_KEY.what });
  return finds;
}

const headOf = async (volume: ExtVolume, entry: ExtEntry): Promise<string> =>
  (await volume.readHead(entry, HEAD)).toString("latin1");

/** dpkg's lists of checksums; what else a disk has there is not copied. */
const SUMS = /\/[A-Za-z0-9][A-Za-z0-9.+:_-]*\.md5sums$/;
/** The largest of Debian's has 2 MB. Bytes. */
const MOST_SUMS = 16 * 1024 ** 2;
/** A larger file is looked at by its beginning alone, and so counts as somebody's own unless it is a program. Bytes. */
const MOST_COMPARED = 256 * 1024 ** 2;

/** Without the files that everybody has, since a package brought them. */
async function ownKeys(volume: ExtVolume, paths: ReadonlySet<string>): Promise<readonly string[]> {
  if (paths.size === 0) return [];
  const folder = await mkdtemp(join(tmpdir(), "bootlace-verify-"));
  try {
    const info = join(folder, "var/lib/dpkg/info");
    await mkdir(info, { recursive: true });
    const sums = (await volume.listFolder("/var/lib/dpkg/info")).filter(
      ({ kind, path, size }) => kind === "file" && SUMS.test(path) && size <= MOST_SUMS,
    );
    await volume.copyFiles(
      sums.map(({ inode }, index) => ({ inode, name: `${index}.md5sums` })),
      info,
    );
    const published = new Published(folder);
    const own: string[] = [];
    for (const path of paths) {
      const entry = await volume.find(path);
      const file = join(folder, "file");
      if (entry)
        await writeFile(file, await (entry.size > MOST_COMPARED ? volume.readHead(entry, HEAD) : volume.read(entry)));
      if (!entry || !(await published.has(path, Buffer.from(file)))) own.push(path);
    }
    return own;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

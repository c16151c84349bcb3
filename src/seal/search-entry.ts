import { LEFTOVERS, PRIVATE_KEY } from "./leftovers.ts";
import type { Needle } from "./needles.ts";
import type { Published } from "./published.ts";
import { headOf, searchFile } from "./search-file.ts";
import type { LayerEntry } from "./walk-layer.ts";

/** What is wrong with an entry by its name, by where it points, and by where it lies. */
export async function searchEntry(entry: LayerEntry, needles: readonly Needle[]): Promise<readonly string[]> {
  const { path, name, parent, file, kind, target } = entry;
  const whole = Buffer.concat([parent, Buffer.from("/"), name]);
  // What a folder's name holds is told of the folder, not of everything below it.
  const inName = needles.filter(({ bytes }) => whole.includes(bytes) && !parent.includes(bytes));
  const found = inName.map((needle) => `${needle.name}, in its name`);
  if (target) found.push(...namesIn(target, needles).map((one) => `${one}, in what the link points to`));
  if (kind !== "file") return found;
  for (const row of LEFTOVERS)
    if (row.path.test(path) && (!row.content || row.content.test(await headOf(file)))) found.push(row.what);
  return found;
}

/** What a file holds: values, and private keys that no package brought. */
export async function searchContent(
  { path, file, kind }: LayerEntry,
  needles: readonly Needle[],
  published: Published,
): Promise<Iterable<string>> {
  if (kind !== "file") return [];
  const inside = new Set(await searchFile(file, needles));
  if (inside.has(PRIVATE_KEY.what) && (await published.has(path, file))) inside.delete(PRIVATE_KEY.what);
  return inside;
}

export const namesIn = (bytes: Buffer, needles: readonly Needle[]): readonly string[] =>
  needles.filter((needle) => bytes.includes(needle.bytes)).map(({ name }) => name);

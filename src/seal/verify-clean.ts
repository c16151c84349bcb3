import { BootlaceError } from "../../stage2/index.ts";
import type { Contents } from "../machine/machine.ts";
import { type Find, findAt } from "./find.ts";
import { findOnDisk } from "./find-on-disk.ts";
import type { Needle } from "./needles.ts";
import { Published } from "./published.ts";
import { namesIn, searchContent, searchEntry } from "./search-entry.ts";
import { walkLayer } from "./walk-layer.ts";
import { attributesOf } from "./xattrs.ts";

/**
 * Searches all that an image would hold, from outside: for leftovers by kind, for private keys by content, for values in
 * content, names, links and extended attributes.
 */
export function findUnclean(contents: Contents, needles: readonly Needle[]): Promise<readonly Find[]> {
  return contents.kind === "folder" ? findInFolder(contents.path, needles) : findOnDisk(contents, needles);
}

/** @param folder the layer: what the image adds to its base. */
async function findInFolder(folder: string, needles: readonly Needle[]): Promise<readonly Find[]> {
  const finds: Find[] = [];
  const published = new Published(folder);
  const add = (path: string, found: Iterable<string>) => {
    for (const what of new Set(found)) finds.push(findAt(path, what));
  };
  for await (const entry of walkLayer(folder))
    add(entry.path, [...(await searchEntry(entry, needles)), ...(await searchContent(entry, needles, published))]);
  for await (const { path, record } of attributesOf(folder))
    add(
      path,
      namesIn(record, needles).map((name) => `${name}, in an extended attribute`),
    );
  return finds;
}

/** @throws {BootlaceError} `E_IMAGE_NOT_CLEAN`, naming every file, what is in it and whose it is. */
export function assertClean(finds: readonly Find[]): void {
  if (finds.length === 0) return;
  const lines = finds.map(({ path, what, service }) => `  ${path}: ${what}${service ? ` (service ${service})` : ""}`);
  const shown = lines.slice(0, 50).concat(lines.length > 50 ? [`  and ${lines.length - 50} more`] : []);
  throw new BootlaceError("E_IMAGE_NOT_CLEAN", `The image would hold what no image may\n${shown.join("\n")}`, {
    hint: "Remove it in the `seal` phase of the service that made it.",
  });
}

import { createReadStream } from "node:fs";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { BootlaceError } from "../../stage2/index.ts";
import { LEFTOVERS } from "./leftovers.ts";
import type { Needle } from "./needles.ts";

export interface Find {
  /** In the machine, absolute. */
  readonly path: string;
  readonly what: string;
  /** Whose file it is, where that is known. */
  readonly service?: string;
}

/**
 * Searches all that an image would hold, from outside, for leftovers by kind and for values by content.
 *
 * @param folder the layer: what the image adds to its base.
 */
export async function findUnclean(folder: string, needles: readonly Needle[]): Promise<readonly Find[]> {
  const finds: Find[] = [];
  for await (const path of walk(folder, "")) {
    const file = join(folder, path);
    const what = new Set<string>();
    for (const row of LEFTOVERS)
      if (row.path.test(path) && (!row.content || row.content.test(await head(file)))) what.add(row.what);
    for (const name of await search(file, needles)) what.add(name);
    const service = ownerOf(path);
    for (const found of what) finds.push({ path, what: found, ...(service ? { service } : {}) });
  }
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

async function* walk(folder: string, path: string): AsyncGenerator<string> {
  for (const entry of (await readdir(join(folder, path), { withFileTypes: true })).sort((a, b) =>
    a.name < b.name ? -1 : 1,
  )) {
    const below = `${path}/${entry.name}`;
    if (entry.isDirectory()) yield* walk(folder, below);
    // Whiteouts, sockets and links hold no bytes of their own.
    else if (entry.isFile()) yield below;
  }
}

/** A leftover shows at the beginning of its file; so much of it is looked at, in bytes. */
const HEAD = 1 << 20;

async function head(file: string): Promise<string> {
  let text = "";
  for await (const chunk of createReadStream(file, { encoding: "latin1", end: HEAD - 1 })) text += chunk;
  return text;
}

/** Names of the needles in a file; a needle across two chunks is found, since the end of one is kept for the next. */
async function search(file: string, needles: readonly Needle[]): Promise<ReadonlySet<string>> {
  const found = new Set<string>();
  if (needles.length === 0) return found;
  const keep = Math.max(...needles.map(({ bytes }) => bytes.length)) - 1;
  let tail: Buffer = Buffer.alloc(0);
  for await (const chunk of createReadStream(file, { highWaterMark: 1 << 20 })) {
    const bytes = tail.length > 0 ? Buffer.concat([tail, chunk as Buffer]) : (chunk as Buffer);
    for (const needle of needles) if (!found.has(needle.name) && bytes.includes(needle.bytes)) found.add(needle.name);
    tail = Buffer.from(bytes.subarray(Math.max(0, bytes.length - keep)));
  }
  return found;
}

/** Bootlace's own folders tell whose file it is. */
function ownerOf(path: string): string | undefined {
  const own =
    /^\/var\/lib\/bootlace\/(?:state|destroy|bundles\/[0-9a-f]+\/services)\/(bootlace\/[a-z0-9-]+|[a-z0-9-]+)\//.exec(
      path,
    );
  return own?.[1]?.replace("~", "/");
}

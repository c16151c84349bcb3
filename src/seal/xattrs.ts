import { spawn } from "node:child_process";
import { once } from "node:events";
import { BootlaceError } from "../../stage2/index.ts";
import { runLocalChecked } from "../machine/run-local.ts";

/** One extended attribute as a pax header has it: `SCHILY.xattr.NAME=VALUE`. */
export interface Attribute {
  /** In the folder, `/`-rooted. */
  readonly path: string;
  readonly record: Buffer;
}

/** All but what overlayfs itself writes down (kernel's overlayfs.rst). Node cannot read attributes; GNU tar can. */
const TAR = [
  "tar",
  "--create",
  "--format=posix",
  "--sparse",
  "--xattrs",
  "--xattrs-include=user.*",
  "--xattrs-include=security.*",
  "--xattrs-include=trusted.*",
  "--xattrs-exclude=trusted.overlay.*",
];
const BLOCK = 512;

/** Extended attributes of everything in a folder. */
export async function* attributesOf(folder: string): AsyncGenerator<Attribute> {
  // GNU tar does not read files when the archive is /dev/null, so that a layer without attributes costs next to nothing.
  const listing = await runLocalChecked(
    [...TAR, "--file=/dev/null", "-vv", "--quoting-style=escape", `--directory=${folder}`, "."],
    "E_MACHINE_STATE",
  );
  // A `*` behind the mode marks a file with attributes.
  if (!/^\S{10}\*/m.test(listing)) return;
  const [file = "", ...args] = [...TAR, `--directory=${folder}`, "."];
  const child = spawn(file, args, { stdio: ["ignore", "pipe", "ignore"] });
  const ended = once(child, "close");
  yield* attributesIn(child.stdout);
  const [exit] = await ended;
  if (exit !== 0) throw new BootlaceError("E_MACHINE_STATE", `${TAR.join(" ")} ${folder}: exit ${exit}`);
}

/** Reads a pax archive: pax(1), "ustar Interchange Format" and "pax Extended Header". */
async function* attributesIn(archive: AsyncIterable<Buffer>): AsyncGenerator<Attribute> {
  const reader = new BlockReader(archive);
  let extended: readonly (readonly [string, Buffer])[] = [];
  for (let header = await reader.take(BLOCK); header && header[0] !== 0; header = await reader.take(BLOCK)) {
    const find = (key: string) => extended.find(([name]) => name === key)?.[1].toString();
    const type = String.fromCharCode(header[156] ?? 0);
    const bytes = Number(find("size") ?? Number.parseInt(header.toString("latin1", 124, 135), 8));
    const padded = Math.ceil(bytes / BLOCK) * BLOCK;
    if (type === "x") {
      extended = recordsOf((await reader.take(padded))?.subarray(0, bytes) ?? Buffer.alloc(0));
      continue;
    }
    const short = [header.subarray(345, 500), header.subarray(0, 100)].map((part) =>
      part.toString().replace(/\0.*$/s, ""),
    );
    const name = find("GNU.sparse.name") ?? find("path") ?? short.filter(Boolean).join("/");
    for (const [key, value] of extended)
      if (key.startsWith("SCHILY.xattr."))
        yield {
          path: name.replace(/^\./, "").replace(/(?<=.)\/$/, "") || "/",
          record: Buffer.concat([Buffer.from(`${key}=`), value]),
        };
    extended = [];
    await reader.skip(padded);
  }
  // A program whose output nobody takes does not end.
  await reader.skip(Number.POSITIVE_INFINITY);
}

/** `LENGTH KEY=VALUE\n` again and again; a value may hold any bytes, so the length counts. */
function recordsOf(bytes: Buffer): readonly (readonly [string, Buffer])[] {
  const records: (readonly [string, Buffer])[] = [];
  for (let at = 0; at < bytes.length; ) {
    const space = bytes.indexOf(" ", at);
    const end = at + Number(bytes.toString("latin1", at, space));
    const equals = bytes.indexOf("=", space);
    if (!(end > at) || space < 0 || equals < 0) break;
    records.push([bytes.toString("utf8", space + 1, equals), bytes.subarray(equals + 1, end - 1)]);
    at = end;
  }
  return records;
}

class BlockReader {
  readonly #chunks: AsyncIterator<Buffer>;
  #rest: Buffer = Buffer.alloc(0);

  constructor(chunks: AsyncIterable<Buffer>) {
    this.#chunks = chunks[Symbol.asyncIterator]();
  }

  /** The next bytes; undefined where the stream ends before. */
  async take(bytes: number): Promise<Buffer | undefined> {
    while (this.#rest.length < bytes) {
      const next = await this.#chunks.next();
      if (next.done) return undefined;
      this.#rest = Buffer.concat([this.#rest, next.value]);
    }
    const taken = this.#rest.subarray(0, bytes);
    this.#rest = this.#rest.subarray(bytes);
    return taken;
  }

  async skip(bytes: number): Promise<void> {
    let left = bytes;
    while (left > this.#rest.length) {
      left -= this.#rest.length;
      this.#rest = Buffer.alloc(0);
      const next = await this.#chunks.next();
      if (next.done) return;
      this.#rest = next.value;
    }
    this.#rest = this.#rest.subarray(left);
  }
}

import { ArchiveError } from "./archive-error.ts";
import { BLOCK, parseHeader, type TarEntry, textOf } from "./tar-header.ts";

/** An entry, or some bytes of the file that came last. */
export type TarPart = { readonly entry: TarEntry } | { readonly data: Buffer };

/** The most that long names and other attributes of one entry may take. */
const ATTRIBUTES = 64 * 1024;

/**
 * Reads a tar stream: POSIX ustar and pax, and GNU tar's long names. Nothing is believed about names here; see
 * {@link EntryRules}.
 *
 * @param limit Bytes of the stream, after which it is refused.
 * @throws {ArchiveError} when it is damaged, cut off, or too long.
 */
export async function* readTar(source: AsyncIterable<Uint8Array>, limit: number): AsyncGenerator<TarPart> {
  const chunks = source[Symbol.asyncIterator]();
  let rest: Buffer = Buffer.alloc(0);
  let total = 0;
  const tooMuch = (): ArchiveError => new ArchiveError(`it unpacks to more than ${limit} bytes`);
  const more = async (): Promise<boolean> => {
    const { value, done } = await chunks.next();
    if (done === true) return false;
    total += value.length;
    if (total > limit) throw tooMuch();
    rest = rest.length === 0 ? Buffer.from(value.buffer, value.byteOffset, value.length) : Buffer.concat([rest, value]);
    return true;
  };
  const take = async (bytes: number): Promise<Buffer> => {
    while (rest.length < bytes) if (!(await more())) throw new ArchiveError("it is cut off");
    const taken = rest.subarray(0, bytes);
    rest = rest.subarray(bytes);
    return taken;
  };
  const attributes = async ({ size }: TarEntry): Promise<Buffer> => {
    if (size > ATTRIBUTES) throw new ArchiveError("an entry's attributes are too long");
    return (await take(padded(size))).subarray(0, size);
  };
  try {
    let extra: Extra = {};
    for (let zeros = 0; zeros < 2; ) {
      const block = await take(BLOCK);
      if (block.every((byte) => byte === 0)) {
        zeros++;
        continue;
      }
      if (zeros > 0) throw new ArchiveError("it is damaged: entries follow its end");
      const header = parseHeader(block);
      if (header.kind === "extended") {
        extra = { ...extra, ...paxRecords(await attributes(header)) };
      } else if (header.kind === "global") {
        const { path, target, size } = paxRecords(await attributes(header));
        if ((path ?? target ?? size) !== undefined) throw new ArchiveError("it has one name or length for all entries");
      } else if (header.flag === "L" || header.flag === "K") {
        const name = textOf(await attributes(header)).replace(/\0.*$/s, "");
        extra = { ...extra, [header.flag === "L" ? "path" : "target"]: name };
      } else {
        const entry = withExtra(header, extra);
        extra = {};
        if (total - rest.length + entry.size > limit) throw tooMuch();
        yield { entry };
        for (let left = entry.size; left > 0; ) {
          if (rest.length === 0 && !(await more())) throw new ArchiveError("it is cut off");
          const data = rest.subarray(0, left);
          rest = rest.subarray(data.length);
          left -= data.length;
          yield { data };
        }
        await take(padded(entry.size) - entry.size);
      }
    }
  } finally {
    await chunks.return?.();
  }
}

const padded = (size: number): number => Math.ceil(size / BLOCK) * BLOCK;

interface Extra {
  readonly path?: string;
  readonly target?: string;
  readonly size?: number;
}

function withExtra(entry: TarEntry, { path = entry.path, target = entry.target, size }: Extra): TarEntry {
  const kind = entry.kind === "file" && path.endsWith("/") ? "folder" : entry.kind;
  // Only files have a content; a length elsewhere would make readers disagree on where the next entry begins.
  if (size !== undefined && kind !== "file" && size !== 0)
    throw new ArchiveError("an entry without content has a length");
  return { ...entry, kind, path, target, size: kind === "file" ? (size ?? entry.size) : entry.size };
}

/** `<length> <key>=<value>\n` each, POSIX.1-2017, "pax Extended Header". */
function paxRecords(bytes: Buffer): Extra {
  let found: Extra = {};
  for (let at = 0; at < bytes.length; ) {
    const space = bytes.indexOf(" ", at);
    const length = Number(/^[1-9]\d{0,6}$/.exec(bytes.toString("latin1", at, Math.max(at, space)))?.[0] ?? Number.NaN);
    const end = at + length;
    if (!(end > space && end <= bytes.length) || bytes[end - 1] !== 10)
      throw new ArchiveError("it is damaged: attributes of an entry cannot be read");
    const record = bytes.subarray(space + 1, end - 1);
    const equals = record.indexOf("=");
    const key = record.toString("latin1", 0, equals);
    const value = record.subarray(equals + 1);
    if (key === "path") found = { ...found, path: textOf(value) };
    if (key === "linkpath") found = { ...found, target: textOf(value) };
    if (key === "size") found = { ...found, size: sizeOf(value.toString("latin1")) };
    if (key.startsWith("GNU.sparse.")) throw new ArchiveError("it holds a sparse file");
    at = end;
  }
  return found;
}

function sizeOf(text: string): number {
  if (!/^\d{1,15}$/.test(text)) throw new ArchiveError("it is damaged: a length cannot be read");
  return Number(text);
}

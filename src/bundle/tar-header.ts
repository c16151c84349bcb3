import { Header } from "tar";

const BLOCK = 512;
const EPOCH = new Date(0);

export interface TarEntry {
  readonly path: string;
  readonly mode: number;
  readonly size: number;
  readonly type: "File" | "Directory" | "SymbolicLink";
  readonly linkpath?: string;
}

/**
 * The header of one entry (POSIX.1-2017 pax), owner 0/0, time 0: its bytes depend on what is given alone. What does not
 * fit into ustar stands in an extended header before it.
 */
export function tarHeader(entry: TarEntry): Buffer {
  const { path, linkpath } = entry;
  const plain = plainHeader(entry);
  if (plain) return plain;
  const records = Buffer.concat([
    record("path", path),
    ...(linkpath === undefined ? [] : [record("linkpath", linkpath)]),
  ]);
  const extended = new Header({
    path: "@PaxHeader",
    mode: 0o644,
    size: records.length,
    type: "ExtendedHeader",
    uid: 0,
    gid: 0,
    uname: "",
    gname: "",
    mtime: EPOCH,
  });
  extended.encode();
  // The names here are cut; readers take those of the extended header.
  const cut = encode({
    ...entry,
    path: entry.type === "Directory" ? "long/" : "long",
    ...(linkpath === undefined ? {} : { linkpath: "long" }),
  });
  return Buffer.concat([blockOf(extended), records, padding(records.length), blockOf(cut)]);
}

/** The header where it is one block of ustar; undefined for what does not fit into it. */
export function plainHeader(entry: TarEntry): Buffer | undefined {
  const made = encode(entry);
  return made.needPax ? undefined : blockOf(made);
}

/** Zeros up to the next block. */
export const padding = (bytes: number): Buffer => Buffer.alloc((BLOCK - (bytes % BLOCK)) % BLOCK);

/** What ends an archive. */
export const TAR_END = Buffer.alloc(2 * BLOCK);

function encode({ path, mode, size, type, linkpath }: TarEntry): Header {
  const made = new Header({
    path,
    mode,
    size,
    type,
    ...(linkpath === undefined ? {} : { linkpath }),
    uid: 0,
    gid: 0,
    uname: "",
    gname: "",
    mtime: EPOCH,
  });
  made.encode();
  return made;
}

function blockOf({ block }: Header): Buffer {
  if (!block) throw new Error("no tar header was made");
  return block;
}

/** `<length> <key>=<value>\\n`, the length counting itself. */
function record(key: string, value: string): Buffer {
  const rest = Buffer.from(` ${key}=${value}\n`);
  let length = rest.length + 1;
  while (String(length).length + rest.length !== length) length = String(length).length + rest.length;
  return Buffer.concat([Buffer.from(String(length)), rest]);
}

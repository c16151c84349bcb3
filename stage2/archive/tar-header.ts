import { ArchiveError, shownName } from "./archive-error.ts";

export type EntryKind =
  | "file"
  | "folder"
  | "symlink"
  | "hardlink"
  | "device"
  | "fifo"
  | "extended"
  | "global"
  | "other";

/** One entry as its header has it, names as they were written. */
export interface TarEntry {
  readonly path: string;
  readonly kind: EntryKind;
  readonly mode: number;
  /** Bytes that follow. */
  readonly size: number;
  /** Seconds since 1970. */
  readonly mtime: number;
  /** Of links. */
  readonly target: string;
  /** The type flag, for entries of other kinds. */
  readonly flag: string;
}

export const BLOCK = 512;

/** POSIX.1-2017, pax, "ustar Interchange Format"; capital letters are GNU tar's. */
const KINDS: Readonly<Record<string, EntryKind>> = {
  "\0": "file",
  "0": "file",
  "1": "hardlink",
  "2": "symlink",
  "3": "device",
  "4": "device",
  "5": "folder",
  "6": "fifo",
  "7": "file",
  x: "extended",
  g: "global",
};

const strict = new TextDecoder("utf-8", { fatal: true });

/** Text of an archive. @throws {ArchiveError} when it is not UTF-8. */
export function textOf(bytes: Uint8Array): string {
  try {
    return strict.decode(bytes);
  } catch {
    throw new ArchiveError(`a name is not UTF-8: ${shownName(Buffer.from(bytes).toString("latin1"))}`);
  }
}

/** Reads a header block. @throws {ArchiveError} when it is none. */
export function parseHeader(block: Buffer): TarEntry {
  const sum = block.reduce((all, byte, at) => all + (at >= 148 && at < 156 ? 32 : byte), 0);
  if (sum !== numberOf(block, 148, 8)) throw new ArchiveError("it is damaged, or no tar archive");
  const flag = String.fromCharCode(block[156] ?? 0);
  const name = field(block, 0, 100);
  // GNU tar keeps other things where POSIX has the prefix, and says so in the magic.
  const prefix = block.toString("latin1", 257, 263) === "ustar\0" ? field(block, 345, 155) : "";
  const path = prefix === "" ? name : `${prefix}/${name}`;
  const kind = KINDS[flag] ?? "other";
  return {
    path,
    // Before POSIX a folder was a file whose name ends with a slash.
    kind: kind === "file" && path.endsWith("/") ? "folder" : kind,
    mode: numberOf(block, 100, 8),
    size: ["file", "extended", "global", "other"].includes(kind) ? numberOf(block, 124, 12) : 0,
    // Before 1970 it is written below nothing; no harm is in a time.
    mtime: block[136] === 0xff ? 0 : numberOf(block, 136, 12),
    target: field(block, 157, 100),
    flag,
  };
}

function field(block: Buffer, from: number, length: number): string {
  const bytes = block.subarray(from, from + length);
  const end = bytes.indexOf(0);
  return textOf(end < 0 ? bytes : bytes.subarray(0, end));
}

/** Octal, or GNU's base 256 for what does not fit. */
function numberOf(block: Buffer, from: number, length: number): number {
  const first = block[from] ?? 0;
  if (first === 0x80) {
    const high = block.subarray(from + 1, from + length - 6).some((byte) => byte !== 0);
    if (!high) return block.readUIntBE(from + length - 6, 6);
  }
  const text = block.toString("latin1", from, from + length).replace(/^ +|[\0 ].*$/gs, "");
  if (!/^[0-7]*$/.test(text))
    throw new ArchiveError("it is damaged, or no tar archive: a number in a header cannot be read");
  return text === "" ? 0 : Number.parseInt(text, 8);
}

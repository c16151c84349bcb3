import { appendFile, type FileHandle, open, rename, stat } from "node:fs/promises";

/** What a guest's console tells the desk of its present boot. */
export interface ConsoleReport {
  /** The kernel's boot_id. */
  readonly boot: string | undefined;
  /** Public key lines between cloud-init's markers, of the last whole block. */
  readonly hostKeys: readonly string[];
  /** Whether the guest said that it can be reached. */
  readonly ready: boolean;
}

const BOOT = /bootlace\[guest\]: boot=([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})/g;
const READY = "bootlace[guest]: ready";
/** As cloud-init's keys_to_console prints them, and stage1's boot hook. */
const BEGIN = "-----BEGIN SSH HOST KEY KEYS-----";
const END = "-----END SSH HOST KEY KEYS-----";
const KEY_LINE = /^(?:ssh|ecdsa)-[a-z0-9-]+ [A-Za-z0-9+/]+=*/;
/** Characters between two marks; a block of all kinds of keys has 2 KB. */
const LONGEST_BLOCK = 16 * 1024;
/** Bytes that are read at once, that an error shows of, and that a start leaves of the starts before it. */
const CHUNK = 1024 ** 2;
const TAIL = 64 * 1024;
const KEPT = 16 * 1024 ** 2;

/** What was heard of one start, and where. */
export class ConsoleEar {
  #boot: { readonly at: number; readonly id: string } | undefined;
  #keys: readonly string[] = [];
  #readyAt = -1;
  #rest = "";
  #heard = 0;

  /** Takes what came next. What lies across two pieces is heard, since the end of one is kept for the next. */
  hear(piece: string): void {
    const text = this.#rest + piece;
    const from = this.#heard - this.#rest.length;
    for (const match of text.matchAll(BOOT)) this.#boot = { at: from + match.index, id: match[1] ?? "" };
    const ready = text.lastIndexOf(READY);
    if (ready >= 0) this.#readyAt = from + ready;
    this.#keys = keyBlocks(text).at(-1) ?? this.#keys;
    this.#heard += piece.length;
    this.#rest = text.slice(-LONGEST_BLOCK - BEGIN.length - END.length);
  }

  report(): ConsoleReport {
    const { at = 0, id } = this.#boot ?? {};
    return { boot: id, hostKeys: this.#keys, ready: this.#readyAt > at || (this.#readyAt === 0 && !id) };
  }
}

/** Public key lines of each whole block, in order. */
function keyBlocks(text: string): readonly (readonly string[])[] {
  const blocks: (readonly string[])[] = [];
  for (let end = text.indexOf(END); end >= 0; end = text.indexOf(END, end + END.length)) {
    const before = text.slice(Math.max(0, end - LONGEST_BLOCK), end);
    const begin = before.lastIndexOf(BEGIN);
    if (begin < 0) continue;
    const lines = before.slice(begin + BEGIN.length).split(/\r?\n/);
    blocks.push(lines.map((line) => KEY_LINE.exec(line.trim())?.[0]).filter((line) => line !== undefined));
  }
  return blocks;
}

/** Reads what a guest printed since a start; the last word counts, since a guest may boot again by itself. */
export function readConsole(text: string): ConsoleReport {
  const ear = new ConsoleEar();
  ear.hear(text);
  return ear.report();
}

interface Listening {
  readonly inode: number;
  readonly from: number;
  readonly ear: ConsoleEar;
  offset: number;
}

/** By file: a look reads what is new since the last one, however much a guest has printed before. */
const listening = new Map<string, Listening>();
const looks = new Map<string, Promise<unknown>>();

/** What a guest has told since a start, which began at a byte of its console's file. One look at a time reads a file. */
export function hearConsole(file: string, from: number): Promise<ConsoleReport> {
  const look = (looks.get(file) ?? Promise.resolve()).then(() => lookAt(file, from));
  looks.set(
    file,
    look.catch(() => undefined),
  );
  return look;
}

async function lookAt(file: string, from: number): Promise<ConsoleReport> {
  const handle = await open(file).catch(() => undefined);
  if (!handle) return readConsole("");
  try {
    const { ino: inode, size } = await handle.stat();
    const known = listening.get(file);
    const goesOn = known?.inode === inode && known.from === from && known.offset <= size;
    const at: Listening = goesOn ? known : { inode, from, ear: new ConsoleEar(), offset: from };
    listening.set(file, at);
    const { ear } = at;
    at.offset = await pieces(handle, at.offset, (piece) => ear.hear(piece));
    return ear.report();
  } finally {
    await handle.close();
  }
}

/** @returns where it ended: what comes meanwhile is for the next look. */
async function pieces(handle: FileHandle, from: number, take: (piece: string) => void): Promise<number> {
  const { size } = await handle.stat();
  const buffer = Buffer.alloc(Math.min(CHUNK, Math.max(0, size - from)));
  let at = from;
  while (at < size) {
    const { bytesRead } = await handle.read(buffer, 0, Math.min(buffer.length, size - at), at);
    if (bytesRead === 0) break;
    // A character a byte: all that is looked for is ASCII.
    take(buffer.toString("latin1", 0, bytesRead));
    at += bytesRead;
  }
  return at;
}

/** All host keys that a console shows, over all starts; the last ones where somebody has printed very many. */
export async function printedHostKeys(file: string, most = 256): Promise<readonly string[]> {
  const handle = await open(file).catch(() => undefined);
  if (!handle) return [];
  const keys = new Set<string>();
  let rest = "";
  try {
    await pieces(handle, 0, (piece) => {
      const text = rest + piece;
      for (const key of keyBlocks(text).flat()) {
        keys.delete(key);
        keys.add(key);
        const [oldest] = keys;
        if (keys.size > most && oldest !== undefined) keys.delete(oldest);
      }
      rest = text.slice(-LONGEST_BLOCK - BEGIN.length - END.length);
    });
  } finally {
    await handle.close();
  }
  return [...keys];
}

/** The end of a console's output from a byte on, at most 64 KiB; empty where there is none yet. */
export async function consoleTail(file: string, from: number): Promise<string> {
  const handle = await open(file).catch(() => undefined);
  if (!handle) return "";
  try {
    const { size } = await handle.stat();
    const at = Math.max(from, size - TAIL);
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(Math.max(0, size - at)), 0, undefined, at);
    return buffer.toString("utf8", 0, bytesRead);
  } finally {
    await handle.close();
  }
}

/**
 * Writes the line between two starts, and answers where the new one's output begins, in bytes. Of the starts before it
 * the last 16 MiB stay: QEMU itself writes without end.
 *
 * @param kept bytes.
 */
export async function beginConsole(file: string, line: string, kept = KEPT): Promise<number> {
  const size = (await stat(file).catch(() => undefined))?.size ?? 0;
  if (size > kept) await keepEnd(file, size - kept);
  await appendFile(file, `${size > 0 ? "\n" : ""}--- ${line}\n`, { mode: 0o600 });
  return (await stat(file)).size;
}

async function keepEnd(file: string, from: number): Promise<void> {
  const [old, kept] = [await open(file), await open(`${file}.new`, "w", 0o600)];
  try {
    const buffer = Buffer.alloc(CHUNK);
    for (let at = from; ; ) {
      const { bytesRead } = await old.read(buffer, 0, buffer.length, at);
      if (bytesRead === 0) break;
      await kept.writeFile(buffer.subarray(0, bytesRead));
      at += bytesRead;
    }
  } finally {
    await old.close();
    await kept.close();
  }
  await rename(`${file}.new`, file);
}

/** The end of a console as an error shows it: last lines, without what only moves a cursor. */
export function consoleEnd(text: string, lines = 15): string {
  return text
    .replace(/\x1b(?:\[[0-9;?]*[A-Za-z]|[()][A-Z0-9]|[=>c])/g, "")
    .split(/\r*\n/)
    .map((line) => line.trimEnd())
    .filter(Boolean)
    .slice(-lines)
    .map((line) => `  ${line.slice(0, 300)}`)
    .join("\n");
}

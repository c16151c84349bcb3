import { createHash, randomBytes } from "node:crypto";
import { constants } from "node:fs";
import { link, mkdir, open, readdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { BootlaceError } from "../../stage2/index.ts";
import { describePointer } from "../deploy/describe-pointer.ts";
import { parsePointer } from "../deploy/pointer.ts";
import { syncFolder, writeDurably } from "./write-blob.ts";

/**
 * The channels of a folder store. A move is one link(2) of the whole pointer to `channels/.log/<channel>/<serial>`,
 * which the kernel grants to one publisher only, so there is no lock that a crash could leave behind. The newest entry
 * is the truth for publishers; `channels/<channel>`, which machines read, is a copy that every publisher brings forward.
 */
export class ChannelLog {
  private readonly folder: string;

  /** @param folder `channels/` of the store. */
  constructor(folder: string) {
    this.folder = folder;
  }

  /** The newest pointer, undefined for a channel that nobody published to. */
  async read(name: string): Promise<string | undefined> {
    const newest = (await this.entries(name)).at(-1);
    return readIfThere(newest === undefined ? join(this.folder, name) : join(this.folder, ".log", name, newest));
  }

  /** @see Store.history */
  async history(name: string, limit: number): Promise<readonly string[]> {
    const entries = (await this.entries(name)).toReversed().slice(0, limit);
    if (entries.length === 0) {
      const only = await this.read(name);
      return only === undefined ? [] : [only];
    }
    const texts = await Promise.all(entries.map((entry) => readIfThere(join(this.folder, ".log", name, entry))));
    return texts.filter((text) => text !== undefined);
  }

  /** @see Store.moveChannel */
  async move(name: string, next: string, expected: string | undefined): Promise<void> {
    const seen = await this.entries(name);
    const newest = seen.at(-1);
    const current = await readIfThere(
      newest === undefined ? join(this.folder, name) : join(this.folder, ".log", name, newest),
    );
    if (current !== expected) throw channelMoved(name, current);
    const log = join(this.folder, ".log", name);
    const number = logEntryName(next);
    // What is replaced may stand under this very number, whatever it says of itself: all who replace it meet at one name
    // after it.
    const entry = join(log, seen.includes(number) ? `${number}.${fingerprint(expected ?? "")}` : number);
    const beside = join(log, `.${process.pid}.${randomBytes(4).toString("hex")}.new`);
    await mkdir(log, { recursive: true });
    try {
      const handle = await open(beside, "wx", 0o644);
      try {
        await handle.writeFile(next);
        await handle.sync();
      } finally {
        await handle.close();
      }
      await link(beside, entry);
    } catch (error) {
      if (!isCode(error, "EEXIST")) throw error;
      await this.bringForward(name);
      throw channelMoved(name, await this.read(name));
    } finally {
      await rm(beside, { force: true });
    }
    await syncFolder(log);
    // What is replaced on purpose may have a higher number, and would go on being the newest. It goes only now that its
    // successor is there, the newest last: whenever this is killed, the newest is what stood there or what replaces it, and
    // never one from before. Numbers are not used twice, so what is put aside is what was seen, not somebody else's move.
    for (const higher of seen.filter((one) => one > number)) await this.putAside(join(log, higher));
    await this.bringForward(name);
  }

  private async putAside(entry: string): Promise<void> {
    const text = await readIfThere(entry);
    if (text === undefined) return;
    await rename(entry, join(entry, "..", asideName(text))).catch((error: unknown) => {
      if (!isCode(error, "ENOENT")) throw error;
    });
  }

  /**
   * Makes what machines read the newest entry. Ends only when the copy was written after the newest entry was known, so a
   * publisher that was held up cannot set it back.
   */
  async bringForward(name: string): Promise<void> {
    for (let done: string | undefined; ; ) {
      const newest = (await this.entries(name)).at(-1);
      if (newest === undefined || newest === done) return;
      const text = await readIfThere(join(this.folder, ".log", name, newest));
      if (text === undefined || text === (await readIfThere(join(this.folder, name)))) return;
      await writeDurably(join(this.folder, name), Buffer.from(text));
      done = newest;
    }
  }

  private async entries(name: string): Promise<readonly string[]> {
    try {
      return (await readdir(join(this.folder, ".log", name))).filter((entry) => !entry.startsWith(".")).sort();
    } catch (error) {
      if (isCode(error, "ENOENT")) return [];
      throw error;
    }
  }
}

/** Names of log entries, here and in buckets: they sort as epochs and serials do. */
export function logEntryName(text: string): string {
  const { epoch, serial } = parsePointer(text);
  return `${String(epoch).padStart(8, "0")}.${String(serial).padStart(15, "0")}`;
}

/** Name of an entry that has no number of its own, or not one that counts: it sorts before all others. */
export function asideName(text: string): string {
  return `00000000.${"0".repeat(15)}.${fingerprint(text)}`;
}

export function fingerprint(text: string): string {
  return createHash("sha256").update(text, "latin1").digest("hex").slice(0, 16);
}

/** `E_CHANNEL_MOVED`, naming the move that won. What won may be no pointer at all. */
export function channelMoved(name: string, won: string | undefined): BootlaceError {
  let where = "nothing";
  try {
    if (won !== undefined) where = describePointer(won);
  } catch {
    where = "something that is no pointer";
  }
  return new BootlaceError(
    "E_CHANNEL_MOVED",
    `Channel ${name} was moved by somebody else meanwhile: it is at ${where}`,
    { hint: "Look whether that is what you want, then run the command again." },
  );
}

/** One byte more than a pointer may have: enough to see that it is none. */
const READ_BYTES = 8193;
/** What stands for something that is there and no file. */
const NO_POINTER = "";

/**
 * Others may write to a shared folder: a pipe must not hold this up, a link lead elsewhere, or a long file fill the memory.
 * What is no pointer is answered as text that is none, so that it can be replaced on purpose.
 */
async function readIfThere(file: string): Promise<string | undefined> {
  try {
    const handle = await open(file, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW);
    try {
      if (!(await handle.stat()).isFile()) return NO_POINTER;
      const bytes = Buffer.alloc(READ_BYTES);
      let length = 0;
      for (let last = -1; last !== 0 && length < READ_BYTES; length += last) {
        last = (await handle.read(bytes, length, READ_BYTES - length, length)).bytesRead;
      }
      return bytes.toString("latin1", 0, length);
    } finally {
      await handle.close();
    }
  } catch (error) {
    if (isCode(error, "ENOENT")) return undefined;
    // A link, a socket.
    if (isCode(error, "ELOOP") || isCode(error, "ENXIO")) return NO_POINTER;
    throw error;
  }
}

function isCode(error: unknown, code: string): boolean {
  return error instanceof Error && "code" in error && error.code === code;
}

import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { BootlaceError } from "../../stage2/index.ts";
import { runLocal } from "../machine/run-local.ts";

/** A file or folder in an ext file system. Names are kept a character a byte (latin1). */
export interface ExtEntry {
  /** `/`-rooted, in the file system. */
  readonly path: string;
  readonly inode: number;
  readonly kind: "file" | "folder" | "link" | "other";
  /** Bytes. */
  readonly size: number;
}

/** Bytes of a disk: from `start`, `length` many. */
export interface Range {
  readonly start: number;
  readonly length: number;
}

const ROOT_INODE = 2;
const JOURNAL_INODE = 8;
/** File types in st_mode (inode(7)). */
const KINDS: Readonly<Record<string, ExtEntry["kind"]>> = { "10": "file", "04": "folder", "12": "link" };

/**
 * An ext2, ext3 or ext4 file system in a raw disk image, read by e2fsprogs: no mount, no root, and what somebody has put
 * there meets no kernel.
 */
export class ExtVolume {
  readonly start: number;
  readonly #file: string;

  /** @param file raw disk image. @param start where the file system begins in it, in bytes. */
  constructor(file: string, start: number) {
    this.#file = file;
    this.start = start;
  }

  /** Everything in it, folders before what is in them. */
  async list(): Promise<readonly ExtEntry[]> {
    const found: ExtEntry[] = [];
    let level: readonly ExtEntry[] = [{ path: "", inode: ROOT_INODE, kind: "folder", size: 0 }];
    while (level.length > 0) {
      const listings = await this.#debugfs(level.map(({ inode }) => `ls -p <${inode}>`));
      const below = level.flatMap((folder, index) => parseListing(listings[index] ?? "", folder.path));
      found.push(...below);
      level = below.filter(({ kind }) => kind === "folder");
    }
    return found;
  }

  /** What is in one folder; nothing where there is no such folder. */
  async listFolder(path: string): Promise<readonly ExtEntry[]> {
    const folder = await this.find(path);
    if (folder?.kind !== "folder") return [];
    const [listing = ""] = await this.#debugfs([`ls -p <${folder.inode}>`]);
    return parseListing(listing, folder.path);
  }

  /** A file's content. @throws {BootlaceError} `E_DISK_UNREADABLE` when it cannot be had. */
  async read({ inode, path }: Pick<ExtEntry, "inode" | "path">): Promise<Buffer> {
    const folder = await mkdtemp(join(tmpdir(), "bootlace-disk-"));
    try {
      const file = join(folder, "content");
      const [said] = await this.#debugfs([`dump <${inode}> ${file}`]);
      return await readFile(file).catch((cause) => {
        throw new BootlaceError("E_DISK_UNREADABLE", `${path} cannot be read from ${this.#file}: ${said}`, { cause });
      });
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }

  /** Copies what is in a folder, as far as it is there, into one of the desk. Owners and modes are not kept. */
  async copyFolder(path: string, to: string): Promise<void> {
    if (await this.find(path)) await this.#debugfs([`rdump "${path}" "${dirname(to)}"`]);
  }

  /** Follows a path of plain names, links not. */
  async find(path: string): Promise<ExtEntry | undefined> {
    let at: ExtEntry = { path: "", inode: ROOT_INODE, kind: "folder", size: 0 };
    for (const name of path.split("/").filter(Boolean)) {
      const [listing = ""] = await this.#debugfs([`ls -p <${at.inode}>`]);
      const next = parseListing(listing, at.path).find((entry) => entry.path === `${at.path}/${name}`);
      if (!next) return undefined;
      at = next;
    }
    return at;
  }

  /** False when it was not unmounted: its journal still holds what the files do not show, or its bitmaps are stale. */
  async isClean(): Promise<boolean> {
    const [stats = ""] = await this.#debugfs(["stats -h"]);
    return !/^Filesystem features:.* needs_recovery\b/m.test(stats) && /^Filesystem state: +clean$/m.test(stats);
  }

  /** What no file uses, as ranges of the disk. */
  async free(): Promise<readonly Range[]> {
    const said = await this.#run(["dumpe2fs", this.#target()]);
    const size = Number(/^Block size: +(\d+)$/m.exec(said)?.[1]);
    const first = Number(/^First block: +(\d+)$/m.exec(said)?.[1] ?? 0);
    if (!(size > 0)) throw new BootlaceError("E_DISK_UNREADABLE", `dumpe2fs names no block size of ${this.#file}`);
    const ranges: Range[] = [];
    for (const [, list = ""] of said.matchAll(/^ {2}Free blocks: ([\d, -]+)$/gm))
      for (const part of list.split(", ").filter(Boolean)) {
        const [from = 0, to = from] = part.split("-").map(Number);
        if (from >= first) ranges.push({ start: this.start + from * size, length: (to - from + 1) * size });
      }
    return ranges.sort((a, b) => a.start - b.start);
  }

  /**
   * The blocks of the journal but for its head, as ranges of the disk. After an unmount its head says that it is empty
   * (kernel's ext4 documentation, "Journal (jbd2)"); what was changed before still stands in the rest.
   */
  async spentJournal(): Promise<readonly Range[]> {
    const [stats = "", inode = ""] = await this.#debugfs(["stats -h", `stat <${JOURNAL_INODE}>`]);
    if (!/^Filesystem features:.* has_journal\b/m.test(stats)) return [];
    const size = Number(/^Block size: +(\d+)/m.exec(stats)?.[1] ?? 4096);
    const ranges: Range[] = [];
    // `(0-99):500-599`, logical and physical; blocks of the map itself stand as `(ETB0):7` or `(IND):7` and stay.
    for (const [, logical, from, to] of inode.matchAll(/\((\d+)(?:-\d+)?\):(\d+)(?:-(\d+))?/g)) {
      const head = logical === "0" ? 1 : 0;
      const [first, last] = [Number(from) + head, Number(to ?? from)];
      if (last >= first) ranges.push({ start: this.start + first * size, length: (last - first + 1) * size });
    }
    return ranges.sort((a, b) => a.start - b.start);
  }

  /**
   * Whose bytes lie at places of the disk.
   *
   * @param offsets from the disk's beginning, in bytes.
   * @returns a path for each, or what else is there (`the file system's journal`); undefined where no file has it.
   */
  async ownersOf(offsets: readonly number[]): Promise<readonly (string | undefined)[]> {
    const [stats = ""] = await this.#debugfs(["stats -h"]);
    const size = Number(/Block size: +(\d+)/.exec(stats)?.[1] ?? 4096);
    const blocks = offsets.map((offset) => Math.floor((offset - this.start) / size));
    const [checked = ""] = await this.#debugfs([`icheck ${blocks.join(" ")}`]);
    const inodes = new Map([...checked.matchAll(/^(\d+)\t(\d+)$/gm)].map(([, block, inode]) => [block, inode]));
    const named = [...new Set(inodes.values())].filter((inode) => inode !== undefined);
    const [names = ""] = named.length > 0 ? await this.#debugfs([`ncheck ${named.join(" ")}`]) : [];
    const paths = new Map([...names.matchAll(/^(\d+)\t(\/.*)$/gm)].map(([, inode, path]) => [inode, path]));
    return blocks.map((block) => {
      const inode = inodes.get(String(block));
      if (inode === undefined) return undefined;
      if (Number(inode) === JOURNAL_INODE) return "the file system's journal";
      return paths.get(inode)?.replace("//", "/") ?? `inode ${inode}`;
    });
  }

  #target(): string {
    return this.start === 0 ? this.#file : `${this.#file}?offset=${this.start}`;
  }

  /** Runs commands of debugfs(8) in one process and answers what each said. */
  async #debugfs(commands: readonly string[]): Promise<readonly string[]> {
    const said = await this.#run(["debugfs", "-f", "-", this.#target()], `${commands.join("\n")}\n`);
    // With -f it repeats each command behind its prompt.
    const answers = said.split(/^debugfs: .*\n/m).slice(1);
    if (answers.length === commands.length) return answers;
    throw new BootlaceError(
      "E_DISK_UNREADABLE",
      `${this.#file}: debugfs answered ${answers.length} of ${commands.length} questions; a file's name may look like its prompt`,
    );
  }

  async #run(argv: readonly string[], stdin?: string): Promise<string> {
    const result = await runLocal(argv, { encoding: "latin1", ...(stdin === undefined ? {} : { stdin }) });
    if (result.exit === 0) return result.stdout;
    throw new BootlaceError("E_DISK_UNREADABLE", `${argv.join(" ")}: ${result.stderr.trim().slice(-500)}`, {
      hint: "debugfs and dumpe2fs come with e2fsprogs; install it.",
    });
  }
}

/** `/INODE/MODE/UID/GID/NAME/SIZE/`, a line an entry (debugfs(8), `ls -p`). */
function parseListing(listing: string, parent: string): readonly ExtEntry[] {
  const entries: ExtEntry[] = [];
  for (const [, inode, mode, name = "", size] of listing.matchAll(
    /^\/(\d+)\/(\d{6})\/\d+\/\d+\/([^/]*)\/(\d*)\/$/gms,
  )) {
    if (name === "." || name === ".." || inode === "0") continue;
    const kind = KINDS[(mode ?? "").slice(0, 2)] ?? "other";
    entries.push({ path: `${parent}/${name}`, inode: Number(inode), kind, size: Number(size || 0) });
  }
  return entries;
}

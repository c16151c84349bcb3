import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, dirname, join, resolve } from "node:path";
import { BootlaceError, shownBytes } from "../../stage2/index.ts";
import { type BoundedResult, runBounded } from "../machine/run-local.ts";

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
/** What a disk that somebody else made may ask for: entries, folders in each other, bytes of one file and of a tool. */
const MOST_ENTRIES = 5_000_000;
const MOST_DEEP = 1_000;
const MOST_READ = 1024 ** 3;
const MOST_SAID = 256 * 1024 ** 2;
/** Folders that one process lists. */
const BATCH = 256;
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

  /**
   * Everything in it, folders before what is in them. A folder that lies in several, or in itself, is looked into once.
   *
   * @param most entries. @throws {BootlaceError} `E_DISK_UNREADABLE` for more, and for what no file system has by right.
   */
  async list(most = MOST_ENTRIES): Promise<readonly ExtEntry[]> {
    const found: ExtEntry[] = [];
    const seen = new Set([ROOT_INODE]);
    let level: readonly ExtEntry[] = [{ path: "", inode: ROOT_INODE, kind: "folder", size: 0 }];
    for (let depth = 0; level.length > 0; depth++) {
      if (depth > MOST_DEEP) throw this.#refuse(`folders lie more than ${MOST_DEEP} deep in each other`);
      const next: ExtEntry[] = [];
      for (let at = 0; at < level.length; at += BATCH) {
        const folders = level.slice(at, at + BATCH);
        const listings = await this.#debugfs(folders.map(({ inode }) => `ls -p <${inode}>`));
        for (const [index, folder] of folders.entries())
          for (const entry of parseListing(listings[index] ?? "", folder.path)) {
            if (found.length >= most) throw this.#refuse(`it has more than ${most} files`);
            found.push(entry);
            if (entry.kind !== "folder" || seen.has(entry.inode)) continue;
            seen.add(entry.inode);
            next.push(entry);
          }
      }
      level = next;
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

  /** A file's content. @throws {BootlaceError} `E_DISK_UNREADABLE` when it cannot be had, or is above 1 GiB. */
  async read(entry: Pick<ExtEntry, "inode" | "path" | "size">): Promise<Buffer> {
    if (entry.size > MOST_READ)
      throw this.#refuse(`${entry.path} has ${shownBytes(entry.size)}, expected at most ${shownBytes(MOST_READ)}`);
    const folder = await mkdtemp(join(tmpdir(), "bootlace-disk-"));
    try {
      const [said] = await this.copyFiles([{ ...entry, name: "content" }], folder);
      return await readFile(join(folder, "content")).catch((cause) => {
        throw new BootlaceError("E_DISK_UNREADABLE", `${entry.path} cannot be read from ${this.#file}: ${said}`, {
          cause,
        });
      });
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }

  /**
   * The beginning of a file, however large it is.
   *
   * @param length bytes. @throws {BootlaceError} `E_DISK_UNREADABLE`.
   */
  async readHead({ inode }: Pick<ExtEntry, "inode">, length: number): Promise<Buffer> {
    return (await this.#run(["debugfs", "-R", `cat <${inode}>`, this.#target()], { most: length, cutting: true }))
      .stdout;
  }

  /**
   * Copies files to the desk, all by one process. Their names there are the caller's: what a name on a disk may hold
   * (`/`, `..`) is decided by whoever made the disk.
   *
   * @param files `name`: in `folder`, a plain one. @returns what debugfs said of each; nothing where all is well.
   */
  copyFiles(
    files: readonly { readonly inode: number; readonly name: string }[],
    folder: string,
  ): Promise<readonly string[]> {
    return this.#debugfs(files.map(({ inode, name }) => `dump <${inode}> ${quoted(join(resolve(folder), name))}`));
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
    const said = (await this.#run(["dumpe2fs", this.#target()])).stdout.toString("latin1");
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
    const checked = (await this.#debugfs(inLines("icheck", blocks))).join("");
    const inodes = new Map([...checked.matchAll(/^(\d+)\t(\d+)$/gm)].map(([, block, inode]) => [block, inode]));
    const named = [...new Set(inodes.values())].filter((inode) => inode !== undefined);
    const names = (await this.#debugfs(inLines("ncheck", named))).join("");
    const paths = new Map([...names.matchAll(/^(\d+)\t(\/.*)$/gm)].map(([, inode, path]) => [inode, path]));
    return blocks.map((block) => {
      const inode = inodes.get(String(block));
      if (inode === undefined) return undefined;
      if (Number(inode) === JOURNAL_INODE) return "the file system's journal";
      return paths.get(inode)?.replace("//", "/") ?? `inode ${inode}`;
    });
  }

  /** Relative to the disk's own folder, where the tools run: libext2fs cuts a name at its first `?`. */
  #target(): string {
    return `./${basename(this.#file)}${this.start === 0 ? "" : `?offset=${this.start}`}`;
  }

  #refuse(what: string): BootlaceError {
    return new BootlaceError("E_DISK_UNREADABLE", `The file system at byte ${this.start} of ${this.#file}: ${what}`);
  }

  /** Runs commands of debugfs(8) in one process and answers what each said. */
  async #debugfs(commands: readonly string[]): Promise<readonly string[]> {
    if (commands.length === 0) return [];
    const stdin = `${commands.join("\n")}\n`;
    const { stdout } = await this.#run(["debugfs", "-f", "-", this.#target()], { stdin });
    // With -f it repeats each command behind its prompt.
    const answers = stdout
      .toString("latin1")
      .split(/^debugfs: .*\n/m)
      .slice(1);
    if (answers.length === commands.length) return answers;
    throw this.#refuse(
      `debugfs answered ${answers.length} of ${commands.length} questions; a file's name may look like its prompt`,
    );
  }

  async #run(
    argv: readonly string[],
    options: { readonly stdin?: string; readonly most?: number; readonly cutting?: boolean } = {},
  ): Promise<BoundedResult> {
    const { most = MOST_SAID, cutting = false, ...rest } = options;
    const result = await runBounded(argv, { ...rest, most, cwd: dirname(resolve(this.#file)) });
    if (result.cut && !cutting) throw this.#refuse(`${argv[0]} says more than ${shownBytes(most)} of it`);
    if (result.exit === 0 || result.cut) return result;
    throw new BootlaceError("E_DISK_UNREADABLE", `${argv.join(" ")}: ${result.stderr.trim().slice(-500)}`, {
      hint: "debugfs and dumpe2fs come with e2fsprogs; install it.",
    });
  }
}

/** As debugfs's command line reader takes it: a quote in quotes is doubled. */
const quoted = (path: string): string => `"${path.replaceAll('"', '""')}"`;

/** debugfs reads lines of at most 8 KiB. */
function inLines(command: string, words: readonly (string | number)[]): readonly string[] {
  const lines: string[] = [];
  for (let at = 0; at < words.length; at += 256) lines.push(`${command} ${words.slice(at, at + 256).join(" ")}`);
  return lines;
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

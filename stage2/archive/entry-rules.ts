import { ArchiveError, shownName } from "./archive-error.ts";
import type { TarEntry } from "./tar-header.ts";

/** What an archive may hold. Files and folders it may always. */
export interface ArchiveLimits {
  /** Entries, and folders that stand only in the names of others. */
  readonly entries: number;
  /** Bytes of the tar stream. */
  readonly bytes: number;
  /** Symbolic links that stay in the tree, and hard links to files of the archive. */
  readonly links: boolean;
}

/** An entry that may be unpacked. */
export interface Admitted {
  readonly kind: "file" | "folder" | "symlink" | "hardlink";
  /** Plain and relative, without `.` and slashes at its ends; empty for the top of the tree. */
  readonly path: string;
  /** Of a symbolic link as it was written; of a hard link a path as above. */
  readonly target: string;
  readonly mode: number;
  /** Bytes of a file's content. */
  readonly size: number;
  /** Seconds since 1970. */
  readonly mtime: number;
}

const PATH_BYTES = 1024;
const NAME_BYTES = 255;

/**
 * Decides over the entries of one archive, in their order. No entry that is let in leads out of the tree, whatever links
 * came before it: nothing stands below a link, no name stands twice, and a link goes up only in the beginning of its
 * target, where all folders are real.
 */
export class EntryRules {
  readonly #limits: ArchiveLimits;
  readonly #kinds = new Map<string, Admitted["kind"]>();

  constructor(limits: ArchiveLimits) {
    this.#limits = limits;
  }

  /** @throws {ArchiveError} for an entry that may not be unpacked. */
  admit({ path: written, kind, mode, size, mtime, target, flag }: TarEntry): Admitted {
    const refuse = (why: string): never => {
      throw new ArchiveError(`it holds ${shownName(written)}, ${why}`);
    };
    const path = plainPath(written, refuse);
    if (kind === "device") return refuse("a device");
    if (kind === "fifo") return refuse("a fifo");
    if (kind !== "file" && kind !== "folder" && kind !== "symlink" && kind !== "hardlink")
      return refuse(`an entry of the type ${shownName(flag)}`);
    if (kind === "symlink" || kind === "hardlink") {
      if (!this.#limits.links) return refuse("a link");
    } else if ((mode & 0o6000) !== 0) return refuse("which is setuid or setgid");
    if (path === "") {
      if (kind !== "folder") return refuse("which stands in the place of the whole tree");
      return { kind, path, target: "", mode, size, mtime };
    }
    this.#makeRoom(path, kind, refuse);
    if (kind === "symlink") checkTarget(path, target, refuse);
    const linked =
      kind === "hardlink" ? plainPath(target, () => refuse("a hard link that leads out of the archive")) : "";
    if (kind === "hardlink" && this.#kinds.get(linked) !== "file")
      return refuse("a hard link to what is no file of the archive before it");
    this.#kinds.set(path, kind === "hardlink" ? "file" : kind);
    if (this.#kinds.size > this.#limits.entries)
      throw new ArchiveError(`it holds more than ${this.#limits.entries} files and folders`);
    return { kind, path, target: kind === "symlink" ? target : linked, mode, size, mtime };
  }

  /** Every folder on the way is one, and nothing stands there yet. */
  #makeRoom(path: string, kind: Admitted["kind"], refuse: (why: string) => never): void {
    for (let at = path.indexOf("/"); at > 0; at = path.indexOf("/", at + 1)) {
      const folder = path.slice(0, at);
      const there = this.#kinds.get(folder);
      if (there !== undefined && there !== "folder")
        refuse(there === "symlink" ? "which stands below a link" : "which stands below a file");
      this.#kinds.set(folder, "folder");
    }
    const there = this.#kinds.get(path);
    if (there !== undefined && !(there === "folder" && kind === "folder")) refuse("which stands there twice");
  }
}

function plainPath(written: string, refuse: (why: string) => never): string {
  if (written === "") return refuse("a name without a character");
  if (/\p{Cc}/u.test(written)) return refuse("whose name has a control character");
  if (written.startsWith("/")) return refuse("an absolute path");
  const parts = written.split("/").filter((part) => part !== "" && part !== ".");
  if (parts.includes("..")) return refuse("a path with ..");
  const path = parts.join("/");
  if (Buffer.byteLength(path) > PATH_BYTES || parts.some((part) => Buffer.byteLength(part) > NAME_BYTES))
    return refuse("whose name is too long");
  return path;
}

function checkTarget(path: string, target: string, refuse: (why: string) => never): void {
  if (target === "" || Buffer.byteLength(target) > PATH_BYTES || /\p{Cc}/u.test(target))
    refuse("a link to what is no path");
  if (target.startsWith("/")) refuse("a link to an absolute path");
  const parts = target.split("/").filter((part) => part !== "" && part !== ".");
  const up = parts.findIndex((part) => part !== "..");
  const climbs = up < 0 ? parts.length : up;
  if (parts.slice(climbs).includes("..")) refuse("a link that goes up again after it went down");
  if (climbs > path.split("/").length - 1) refuse("a link that leads out of the tree");
}

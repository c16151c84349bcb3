import { type BigIntStats, lstatSync } from "node:fs";

/**
 * What tells whether a file or folder changed: `path size mtime ino ctime mode`, times in nanoseconds. ctime cannot be
 * set by tools that put an old mtime back (tar, rsync, git checkout of an older commit).
 */
export class Stamps {
  readonly #byPath = new Map<string, string>();
  #newest = 0n;

  /** Notes the state of a path; call it before the content is read. Missing files are noted too. */
  add(path: string): BigIntStats | undefined {
    const stat = lstatSync(path, { bigint: true, throwIfNoEntry: false });
    this.#byPath.set(path, stampOf(stat));
    if (stat) {
      if (stat.ctimeNs > this.#newest) this.#newest = stat.ctimeNs;
      if (stat.mtimeNs > this.#newest) this.#newest = stat.mtimeNs;
    }
    return stat;
  }

  has(path: string): boolean {
    return this.#byPath.has(path);
  }

  get entries(): [string, string][] {
    return [...this.#byPath];
  }

  /**
   * True when everything was last changed well before the reading began. Otherwise a change in the same tick of the
   * file system's clock (4 ms on Linux) could carry the same stamp: git calls such an index racy.
   */
  settledBefore(startMs: number): boolean {
    return this.#newest < BigInt(Math.floor(startMs - 20)) * 1_000_000n;
  }
}

/** The stamp of a path as it is now. */
export function stampNow(path: string): string {
  return stampOf(lstatSync(path, { bigint: true, throwIfNoEntry: false }));
}

const stampOf = (stat: BigIntStats | undefined): string =>
  stat === undefined ? "absent" : `${stat.size} ${stat.mtimeNs} ${stat.ino} ${stat.ctimeNs} ${stat.mode}`;

import { open } from "node:fs/promises";
import type { Range } from "../disk/ext-volume.ts";
import { PRIVATE_KEY } from "./leftovers.ts";
import type { Needle } from "./needles.ts";
import { longest, privateKeysIn } from "./search-file.ts";

/** Something that was found at a place of a disk. */
export interface Hit {
  /** From the disk's beginning, in bytes. */
  readonly offset: number;
  readonly what: string;
}

/** Bytes read at a time. */
const CHUNK = 4 << 20;
/** More places of one thing tell nobody more. */
const ENOUGH = 50;

/**
 * Looks for values and private keys in parts of a file. Ranges that touch are searched as one; a value that lies in two
 * pieces apart from each other is not found.
 *
 * @param ranges in order, not overlapping.
 */
export async function searchRanges(
  path: string,
  ranges: readonly Range[],
  needles: readonly Needle[],
): Promise<readonly Hit[]> {
  const hits = new Map<string, Set<number>>();
  const add = (what: string, offset: number): void => {
    const places = hits.get(what) ?? new Set();
    if (places.size < ENOUGH) places.add(offset);
    hits.set(what, places);
  };
  const keep = longest(needles) - 1;
  const disk = await open(path);
  try {
    const buffer = Buffer.allocUnsafe(CHUNK + keep);
    for (const { start, length } of joined(ranges)) {
      let kept = 0;
      for (let at = start; at < start + length; ) {
        const wanted = Math.min(CHUNK, start + length - at);
        const { bytesRead } = await disk.read(buffer, kept, wanted, at);
        if (bytesRead === 0) break;
        const bytes = buffer.subarray(0, kept + bytesRead);
        const origin = at - kept;
        for (const { name, bytes: value } of needles)
          for (let found = bytes.indexOf(value); found >= 0; found = bytes.indexOf(value, found + 1))
            add(name, origin + found);
        for (const found of privateKeysIn(bytes)) add(PRIVATE_KEY.what, origin + found);
        at += bytesRead;
        const rest = Math.min(keep, bytes.length);
        bytes.copy(buffer, 0, bytes.length - rest);
        kept = rest;
      }
    }
  } finally {
    await disk.close();
  }
  return [...hits].flatMap(([what, places]) => [...places].map((offset) => ({ what, offset })));
}

function joined(ranges: readonly Range[]): readonly Range[] {
  const whole: Range[] = [];
  for (const range of ranges) {
    const last = whole.at(-1);
    if (last && last.start + last.length === range.start)
      whole[whole.length - 1] = { start: last.start, length: last.length + range.length };
    else whole.push(range);
  }
  return whole;
}

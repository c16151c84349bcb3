import { createReadStream } from "node:fs";
import { PRIVATE_KEY } from "./leftovers.ts";
import type { Needle } from "./needles.ts";

/** A leftover shows at the beginning of its file; so much of it is looked at, in bytes. */
export const HEAD = 1 << 20;
/** What every private key's first line ends with, and how much around it tells whether a key follows, in bytes. */
const KEY_MARK = "PRIVATE KEY-----";
const KEY_BEFORE = 40;
const KEY_AFTER = 512;

/** Bytes that may have to lie side by side for something to be found. */
export const longest = (needles: readonly Needle[]): number =>
  Math.max(KEY_BEFORE + KEY_MARK.length + KEY_AFTER, ...needles.map(({ bytes }) => bytes.length));

/** The beginning of a file, a character a byte. */
export async function headOf(file: Buffer): Promise<string> {
  let text = "";
  for await (const chunk of createReadStream(file, { encoding: "latin1", end: HEAD - 1 })) text += chunk;
  return text;
}

/**
 * Names of the needles in a file, and whether it holds a private key. What lies across two chunks is found, since the end
 * of one is kept for the next.
 */
export async function searchFile(file: Buffer, needles: readonly Needle[]): Promise<ReadonlySet<string>> {
  const found = new Set<string>();
  const keep = longest(needles) - 1;
  let tail: Buffer = Buffer.alloc(0);
  for await (const chunk of createReadStream(file, { highWaterMark: 1 << 20 })) {
    const bytes = tail.length > 0 ? Buffer.concat([tail, chunk as Buffer]) : (chunk as Buffer);
    for (const needle of needles) if (!found.has(needle.name) && bytes.includes(needle.bytes)) found.add(needle.name);
    if (!found.has(PRIVATE_KEY.what) && privateKeysIn(bytes).length > 0) found.add(PRIVATE_KEY.what);
    tail = Buffer.from(bytes.subarray(Math.max(0, bytes.length - keep)));
  }
  return found;
}

/** Where private keys are. Programs that read keys hold the first line too, so a key's own text must follow it. */
export function privateKeysIn(bytes: Buffer): readonly number[] {
  const found: number[] = [];
  for (let at = bytes.indexOf(KEY_MARK); at >= 0; at = bytes.indexOf(KEY_MARK, at + 1)) {
    const around = bytes.toString("latin1", Math.max(0, at - KEY_BEFORE), at + KEY_MARK.length + KEY_AFTER);
    if (PRIVATE_KEY.content.test(around)) found.push(at);
  }
  return found;
}

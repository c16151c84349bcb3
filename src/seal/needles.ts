import { secretForms } from "../../stage2/index.ts";

/** Bytes that may not be found in an image, and what they are. */
export interface Needle {
  readonly name: string;
  readonly bytes: Buffer;
}

/** Shorter values would be found everywhere by chance, in bytes. */
export const SHORTEST = 6;
/** The same of one line of a longer value: such as `port=5432` stand in many files, in bytes. */
export const SHORTEST_LINE = 16;

/**
 * A value in the forms in which programs write it down, as the runner's redaction has them: the whole, and each line of
 * one that has several.
 */
export function needlesFor({
  name,
  value,
}: {
  readonly name: string;
  readonly value: string | Uint8Array;
}): readonly Needle[] {
  // A character a byte, so that a secret may be any bytes; only ASCII's blanks are taken off, others are halves of letters.
  const raw = Buffer.from(value)
    .toString("latin1")
    .replace(/^[\t-\r ]+|[\t-\r ]+$/g, "");
  if (raw.length < SHORTEST) return [];
  const formsOf = (latin1: string) => secretForms(Buffer.from(latin1, "latin1"));
  const common = new Set(raw.includes("\n") ? raw.split("\n").filter(isCommon).flatMap(formsOf) : []);
  return formsOf(raw)
    .filter((form) => form.length >= SHORTEST && !common.has(form))
    .map((form) => ({
      name: form === raw ? name : raw.includes(form) ? `${name} (a line of it)` : `${name} (encoded)`,
      bytes: Buffer.from(form, "latin1"),
    }));
}

/** Frames of PEM (RFC 7468) stand around every key and certificate. */
const isCommon = (line: string): boolean =>
  line.trim().length < SHORTEST_LINE || /^-----(?:BEGIN|END) [^-]+-----$/.test(line.trim());

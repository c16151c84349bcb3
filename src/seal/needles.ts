import { secretForms } from "../../stage2/index.ts";
import type { NamedValue } from "../machine/machine.ts";

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
export function needlesFor({ name, value }: NamedValue): readonly Needle[] {
  const raw = value.trim();
  if (Buffer.byteLength(raw) < SHORTEST) return [];
  const common = new Set(
    raw.includes("\n")
      ? raw
          .split("\n")
          .filter(isCommon)
          .flatMap((line) => secretForms(line))
      : [],
  );
  const latin1 = Buffer.from(raw).toString("latin1");
  return secretForms(raw)
    .filter((form) => form.length >= SHORTEST && !common.has(form))
    .map((form) => ({
      name: form === latin1 ? name : latin1.includes(form) ? `${name} (a line of it)` : `${name} (encoded)`,
      bytes: Buffer.from(form, "latin1"),
    }));
}

/** Frames of PEM (RFC 7468) stand around every key and certificate. */
const isCommon = (line: string): boolean =>
  Buffer.byteLength(line.trim()) < SHORTEST_LINE || /^-----(?:BEGIN|END) [^-]+-----$/.test(line.trim());

import { decodeRecord, type ForeignRecord, type JournalRecord } from "./record.ts";

export interface ParsedJournal {
  readonly records: readonly (JournalRecord | ForeignRecord)[];
  /** Bytes that hold good lines: where the next one goes. */
  readonly end: number;
  /** Bytes of a last line that was being written when the power went; to be cut. */
  readonly torn: number;
  /** The first line that is damaged, where it is not a torn last one. */
  readonly damage?: { readonly line: number; readonly offset: number; readonly why: string; readonly newer: boolean };
}

const LF = 0x0a;

/**
 * Reads a whole journal. The file may be longer than its content: NUL bytes after the last line are room for more.
 * What a power cut explains is torn: a last line that is cut off or holds NULs, or such a line in the write that was
 * the last (disks may keep a later sector of a write and lose an earlier one). Any other fault is damage, and nothing
 * after it is trusted.
 */
export function parseJournal(bytes: Uint8Array): ParsedJournal {
  const content = bytes.subarray(0, contentLength(bytes));
  const records: (JournalRecord | ForeignRecord)[] = [];
  let offset = 0;
  for (let line = 1; offset < content.length; line++) {
    const newline = content.indexOf(LF, offset);
    const stop = newline < 0 ? content.length : newline;
    const raw = content.subarray(offset, stop);
    const decoded = decodeRecord(new TextDecoder().decode(raw));
    const expected = (records.at(-1)?.n ?? 0) + 1;
    const why = decoded.ok
      ? newline < 0
        ? "cut off"
        : decoded.record.n === expected
          ? undefined
          : `sequence number ${decoded.record.n}, expected ${expected}`
      : decoded.why;
    if (why === undefined && decoded.ok) {
      records.push(decoded.record);
      offset = stop + 1;
      continue;
    }
    const newer = !decoded.ok && decoded.newer;
    const cut = newline < 0 || raw.includes(0);
    if (cut && !newer && isOneWrite(content.subarray(stop + 1), expected)) {
      return { records, end: offset, torn: content.length - offset };
    }
    return { records, end: offset, torn: 0, damage: { line, offset, why: why ?? "", newer } };
  }
  return { records, end: offset, torn: 0 };
}

/** True when every line of `rest` says that it was written together with line `n`. */
function isOneWrite(rest: Uint8Array, n: number): boolean {
  const lines = new TextDecoder().decode(rest).split("\n");
  if (lines.at(-1) === "") lines.pop();
  return lines.every((line) => {
    const decoded = decodeRecord(line);
    return decoded.ok ? (decoded.record.b ?? Number.POSITIVE_INFINITY) <= n : line.includes("\0");
  });
}

/** Length without the NULs at the end. */
function contentLength(bytes: Uint8Array): number {
  let length = bytes.length;
  while (length > 0 && bytes[length - 1] === 0) length--;
  return length;
}

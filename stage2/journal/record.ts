import type { Reason } from "../types/plan.ts";
import type { PackageManager, Phase } from "../types/service.ts";
import { crc32 } from "./crc32.ts";

/** The format of journal lines that this code writes; a higher one is refused. */
export const JOURNAL_VERSION = 1;
/** A line never grows beyond this, its line end included, so that a torn one is small. */
export const MAX_LINE = 4096;

/** What a run was asked to do: enough to go on with it after a reboot. */
export interface RunSpec {
  readonly trigger: "boot" | "asked";
  readonly purpose: "build" | "smoke" | "run";
  readonly roots: readonly string[];
  readonly phase?: Phase;
  readonly rerun?: readonly string[];
}

/** What a checkpoint keeps of one service. */
export interface KeptService {
  readonly init?: { readonly dig: string; readonly t: number };
}

/** The journal's records, without what every line carries. */
export type Entry =
  /** A run begins. Many roots, or steps to run again, stand in several parts that follow each other. */
  | { readonly k: "open"; readonly bundle: string; readonly spec: RunSpec; readonly part?: number }
  | {
      readonly k: "start";
      readonly svc: string;
      readonly phase: Phase;
      readonly try: number;
      readonly why: Reason;
      /** Session that the script runs in, and the clock ticks since boot when it was started. */
      readonly pid: number;
      readonly pst: number;
    }
  | { readonly k: "done"; readonly svc: string; readonly phase: Phase; readonly dig?: string }
  /** `why` is `interrupted` where we ended the script ourselves because we had to stop. */
  | {
      readonly k: "fail";
      readonly svc: string;
      readonly phase: Phase;
      readonly rc: number;
      readonly why: string;
      readonly dig?: string;
    }
  | { readonly k: "blocked"; readonly svc: string; readonly phase: Phase; readonly why: string }
  /** What a service has had installed by one manager; a long list stands in several parts that follow each other. */
  | {
      readonly k: "packages";
      readonly svc: string;
      readonly spec: { readonly manager: PackageManager; readonly names: readonly string[]; readonly part?: number };
    }
  /** One output variable; a long value stands in several parts that follow each other. */
  | {
      readonly k: "output";
      readonly svc: string;
      readonly phase: Phase;
      readonly spec: { readonly name: string; readonly value: string; readonly part?: number };
    }
  | {
      readonly k: "close";
      readonly rc: number;
      readonly why: string /** Every update of the closure ended well. */;
      readonly spec?: { readonly whole: boolean };
    }
  | { readonly k: "checkpoint"; readonly svc: string; readonly spec: KeptService }
  | { readonly k: "rename"; readonly svc: string; readonly spec: { readonly from: string } };

/** What every line carries beside its entry. */
export interface Stamp {
  /** Sequence number: the first line has 1, each further one is one more. */
  readonly n: number;
  /** Wall clock, milliseconds since 1970. */
  readonly t: number;
  readonly run: string;
  /** Absent in checkpoints: they travel in images and name no machine. */
  readonly boot?: string;
  /** Salted hash of the machine's identity. */
  readonly mach?: string;
  /** Sequence number of the first line of the write that this line was part of, where there were several. */
  readonly b?: number;
}

export type JournalRecord = Entry & Stamp;
/** A line of a kind that this code does not know: kept, and passed over. */
export type ForeignRecord = Stamp & { readonly k: string };

const CRC = /,"crc":"([0-9a-f]{8})"\}$/;

/** One line with its line end. The checksum is over the line's JSON without the `crc` member, which stands last. */
export function encodeRecord(record: JournalRecord | ForeignRecord): string {
  const body = JSON.stringify({ v: JOURNAL_VERSION, ...record });
  return `${body.slice(0, -1)},"crc":"${crc32(body)}"}\n`;
}

export type Decoded =
  | { readonly ok: true; readonly record: JournalRecord | ForeignRecord }
  | { readonly ok: false; readonly newer: boolean; readonly why: string };

/** Reads one line, without its line end. */
export function decodeRecord(line: string): Decoded {
  const match = CRC.exec(line);
  if (match === null) return { ok: false, newer: false, why: "no checksum at its end" };
  const body = `${line.slice(0, match.index)}}`;
  if (crc32(body) !== match[1]) return { ok: false, newer: false, why: "the checksum does not fit" };
  const { v, ...record } = JSON.parse(body) as { v: number } & (JournalRecord | ForeignRecord);
  if (!(v <= JOURNAL_VERSION))
    return { ok: false, newer: true, why: `format ${v}, this program reads up to ${JOURNAL_VERSION}` };
  return { ok: true, record };
}

const KNOWN = new Set<string>([
  "open",
  "start",
  "done",
  "fail",
  "blocked",
  "packages",
  "output",
  "close",
  "checkpoint",
  "rename",
]);

export function isKnown(record: JournalRecord | ForeignRecord): record is JournalRecord {
  return KNOWN.has(record.k);
}

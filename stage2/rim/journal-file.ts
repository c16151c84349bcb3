import {
  closeSync,
  constants,
  existsSync,
  fdatasyncSync,
  fstatSync,
  fsyncSync,
  openSync,
  readFileSync,
  statSync,
  writeSync,
} from "node:fs";
import { BootlaceError } from "../errors/bootlace-error.ts";
import { compactLines } from "../journal/checkpoint.ts";
import { EMPTY_STATE, foldJournal, type MachineState } from "../journal/fold.ts";
import { type ParsedJournal, parseJournal } from "../journal/parse.ts";
import {
  type Entry,
  encodeRecord,
  type ForeignRecord,
  isKnown,
  type JournalRecord,
  MAX_LINE,
} from "../journal/record.ts";
import { syncFolder, writeDurably } from "./write-durably.ts";

/** What every line of a run says of where it was written. */
export interface RunStamp {
  readonly run: string;
  readonly boot: string;
  readonly mach: string;
}

/** Room that is made at a time: appends into room that is there change no metadata, so that fdatasync stays cheap. */
const ROOM = 256 * 1024;
/** Room that must be there before anything is started, so that its outcome can be recorded on a full disk. */
const RESERVE = 64 * 1024;
/** Beyond this the journal is rewritten as a checkpoint. */
const COMPACT = 1024 * 1024;

/** The machine's journal on disk, held open by the one run that has the lock. */
export class JournalFile {
  readonly state: MachineState;
  /** Bytes of a torn last line that were cut when it was opened. */
  readonly torn: number;
  private readonly fd: number;
  private readonly path: string;
  private end: number;
  private size: number;
  private n: number;
  private writes = 0;

  /**
   * Opens the journal for writing, making it if it is not there.
   *
   * @param lineage the file with the lineage's id. It is made after the journal: where it is, a journal has been.
   * @throws {BootlaceError} `E_JOURNAL_CORRUPT`, `E_JOURNAL_VERSION`, `E_JOURNAL_WRITE`.
   */
  constructor(path: string, lineage: string) {
    this.path = path;
    if (isLost(path, lineage)) {
      throw new BootlaceError("E_JOURNAL_CORRUPT", `${path} is missing or empty, and Bootlace has run here before`, {
        hint: `Nothing was run. ${WAY_OUT}`,
      });
    }
    let parsed = readJournal(path);
    try {
      if (parsed.end > COMPACT) parsed = compact(path, parsed);
      const isNew = !existsSync(path);
      this.fd = openSync(path, constants.O_RDWR | constants.O_CREAT, 0o600);
      if (isNew) syncFolder(path);
      this.size = fstatSync(this.fd).size;
      this.end = parsed.end;
      this.n = parsed.records.at(-1)?.n ?? 0;
      this.torn = parsed.torn;
      this.state = foldJournal(parsed.records);
      if (parsed.torn > 0) this.write(Buffer.alloc(this.size - this.end), this.end);
      this.makeRoom(RESERVE);
      fsyncSync(this.fd);
    } catch (error) {
      throw asWriteError(path, error);
    }
  }

  /** Records entries in one durable write: when this returns, they survive a power cut. */
  append(entries: readonly Entry[], stamp: RunStamp): void {
    if (entries.length === 0) return;
    const t = Date.now();
    const b = this.n + 1;
    const lines = entries.map((entry) => {
      const record: JournalRecord = { n: ++this.n, t, ...stamp, ...entry, ...(entries.length > 1 && { b }) };
      const line = encodeRecord(record);
      if (Buffer.byteLength(line) > MAX_LINE) throw new Error(`Journal line of ${line.length} bytes for ${record.k}`);
      return line;
    });
    const bytes = Buffer.from(lines.join(""));
    try {
      if (this.size - this.end < bytes.length + RESERVE) this.tryRoom(bytes.length);
      this.write(bytes, this.end);
      fdatasyncSync(this.fd);
    } catch (error) {
      throw asWriteError(this.path, error);
    }
    this.end += bytes.length;
    crashHere(++this.writes);
  }

  close(): void {
    closeSync(this.fd);
  }

  private write(bytes: Buffer, at: number): void {
    for (let done = 0; done < bytes.length; ) done += writeSync(this.fd, bytes, done, bytes.length - done, at + done);
  }

  private makeRoom(wanted: number): void {
    if (this.size - this.end >= wanted) return;
    this.write(Buffer.alloc(Math.max(ROOM, wanted)), this.size);
    this.size += Math.max(ROOM, wanted);
    fsyncSync(this.fd);
  }

  /** On a full disk the reserve is used up before we give in. */
  private tryRoom(wanted: number): void {
    try {
      this.makeRoom(wanted + RESERVE);
    } catch (error) {
      if (this.size - this.end < wanted) throw error;
    }
  }
}

const WAY_OUT =
  "`bootlace journal repair` (with --here at the desk) shows what it would keep; without the journal inits would run a second time.";

/** True where a journal must have been and is not. */
export function isLost(path: string, lineage: string): boolean {
  return existsSync(lineage) && (!existsSync(path) || statSync(path).size === 0);
}

/** Reads and checks a journal without touching it; a missing file is an empty journal. */
export function readJournal(path: string): ParsedJournal {
  if (!existsSync(path)) return { records: [], end: 0, torn: 0 };
  return checkedJournal(readFileSync(path), path);
}

/**
 * Parses a journal's bytes.
 *
 * @param path for messages.
 * @throws {BootlaceError} `E_JOURNAL_VERSION`, `E_JOURNAL_CORRUPT`.
 */
export function checkedJournal(bytes: Uint8Array, path: string): ParsedJournal {
  const parsed = parseJournal(bytes);
  const { damage } = parsed;
  if (damage?.newer) {
    throw new BootlaceError("E_JOURNAL_VERSION", `${path}, line ${damage.line}: ${damage.why}`);
  }
  if (damage !== undefined) {
    throw new BootlaceError(
      "E_JOURNAL_CORRUPT",
      `${path}, line ${damage.line} (byte ${damage.offset}) is damaged: ${damage.why}`,
      {
        hint: `Nothing was run. ${WAY_OUT}`,
      },
    );
  }
  return parsed;
}

/** The state a journal tells; empty where there is none. */
export function readState(path: string): MachineState {
  return existsSync(path) ? foldJournal(readJournal(path).records) : EMPTY_STATE;
}

/** A journal that has grown long is made short, unless a run is open: what was begun has to stay known. */
function compact(path: string, parsed: ParsedJournal): ParsedJournal {
  const state = foldJournal(parsed.records);
  if (state.openRun !== undefined) return parsed;
  const foreign = parsed.records.filter((record): record is ForeignRecord => !isKnown(record));
  writeJournal(path, compactLines(state, foreign, Date.now()).join(""));
  return parseJournal(readFileSync(path));
}

/** Puts a whole journal in the place of the old one. */
export function writeJournal(path: string, text: string): void {
  // Never of no length: an empty file would mean that the journal was lost.
  writeDurably(path, `${text}${"\0".repeat(4096)}`);
}

function asWriteError(path: string, error: unknown): unknown {
  if (!(error instanceof Error) || !("code" in error)) return error;
  return new BootlaceError("E_JOURNAL_WRITE", `The journal ${path} cannot be written: ${error.message}`, {
    cause: error,
  });
}

/** The selftest's hook: dies as by a power cut after the n-th durable write of this process. */
function crashHere(writes: number): void {
  if (process.env.BOOTLACE_SELFTEST_KILL_AFTER === String(writes)) process.kill(process.pid, "SIGKILL");
}

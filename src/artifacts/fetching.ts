import type { Readable } from "node:stream";

/** What fetching one source needs besides the source. */
export interface Fetching {
  readonly signal?: AbortSignal;
  /** Called as bytes come, with all that are here and all that there will be (where the source says so). */
  readonly onBytes?: (here: number, all: number | undefined) => void;
  /** Waits between two tries, milliseconds; a test's is shorter. */
  readonly pause?: (ms: number) => Promise<void>;
}

/** A part of an object, as a source gave it out. */
export interface Opened {
  readonly body: Readable;
  /** Where the body begins: what was asked for, or 0 when the source gives only all of it. */
  readonly from: number;
  /** Length of the whole object, where it is said. */
  readonly bytes: number | undefined;
  /** Names these very bytes (a strong ETag, RFC 9110 8.8.3); undefined where the source has no such name. */
  readonly version: string | undefined;
}

/** Asks a source for its bytes from an offset on, of the same version where one is known. @throws {FetchFailure} */
export type Open = (from: number, version: string | undefined, signal: AbortSignal | undefined) => Promise<Opened>;

/** Why a source gave nothing. */
export class FetchFailure extends Error {
  /** Whether it may work when it is tried again. */
  readonly again: boolean;
  /** What somebody could do about it, a whole sentence. */
  readonly hint: string | undefined;

  constructor(message: string, options: { readonly again: boolean; readonly hint?: string; readonly cause?: unknown }) {
    super(message, { cause: options.cause });
    this.again = options.again;
    this.hint = options.hint;
  }
}

/** What is here already is of other bytes than the source has now: from the beginning. */
export class Changed extends FetchFailure {
  constructor(cause?: unknown) {
    super("it has changed while it was fetched", { again: true, cause });
  }
}

/** The source has more bytes than it may. */
export class TooLong extends FetchFailure {
  constructor(bytes: number, limit: number) {
    super(`it has ${bytes} bytes or more, at most ${limit} are expected`, { again: false });
  }
}

/** The most that one artifact may have. */
export const ARTIFACT_BYTES = 8 * 1024 ** 3;

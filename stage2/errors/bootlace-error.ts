import type { Fault, Place } from "../types/error.ts";
import { CODES, type ErrorCode } from "./codes.ts";
import type { ExitCode } from "./exit.ts";

interface ErrorDetails {
  readonly place?: Place;
  /** What to do now, a whole sentence. */
  readonly hint?: string;
  readonly cause?: unknown;
  /** Where one command found many things wrong. */
  readonly faults?: readonly Fault[];
}

/** A failure that we expected could happen, told to a person. Whatever else is thrown is a bug of ours. */
export class BootlaceError extends Error {
  override readonly name = "BootlaceError";
  readonly code: ErrorCode;
  readonly place: Place | undefined;
  readonly hint: string | undefined;
  readonly faults: readonly Fault[];

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.place = details.place;
    this.hint = details.hint;
    this.faults = details.faults ?? [];
  }

  /** The process's exit code for this error. */
  get exit(): ExitCode {
    return CODES[this.code].exit;
  }
}

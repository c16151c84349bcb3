import type { ErrorCode } from "../errors/codes.ts";

/** A place in a file that a person wrote. Lines and columns count from 1, columns in UTF-16 code units. */
export interface Place {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  /** Length of what the caret underlines, at least 1. */
  readonly length?: number;
  /** The source line itself, without its line end. */
  readonly source?: string;
}

/** One thing that is wrong in what the user gave us. Expected, collected, reported together; never thrown one by one. */
export interface Fault {
  readonly code: ErrorCode;
  readonly severity: "error" | "warning";
  /** Sentence case, no final period: what was expected and what came. */
  readonly message: string;
  readonly place?: Place;
  /** A second place that explains the first: where the other definition stands. */
  readonly related?: { readonly message: string; readonly place: Place };
  /** Stands beside the caret: `did you mean "apache"?`. */
  readonly suggestion?: string;
}

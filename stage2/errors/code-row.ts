import type { ExitCode } from "./exit.ts";

export interface CodeRow {
  readonly exit: ExitCode;
  /** What it means, one sentence for docs/errors.md. */
  readonly means: string;
  /** What to do, one sentence for docs/errors.md. */
  readonly remedy: string;
}

export const row = (exit: ExitCode, means: string, remedy: string): CodeRow => ({ exit, means, remedy });

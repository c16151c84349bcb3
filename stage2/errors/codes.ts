/**
 * Every error code of Bootlace, the exit code that goes with it and what to do about it.
 * The one source of docs/errors.md (a test holds both ways). Codes are a contract: never rename or reuse one.
 */

/** Exit codes as in docs/contracts.md. */
export const EXIT = {
  ok: 0,
  serviceFailed: 1,
  usage: 2,
  locked: 3,
  trust: 4,
  store: 5,
  machine: 6,
  journal: 7,
  degraded: 8,
  internal: 70,
  interrupted: 130,
  terminated: 143,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

interface CodeRow {
  readonly exit: ExitCode;
  /** What it means, one sentence for docs/errors.md. */
  readonly means: string;
  /** What to do, one sentence for docs/errors.md. */
  readonly remedy: string;
}

const row = (exit: ExitCode, means: string, remedy: string): CodeRow => ({ exit, means, remedy });

export const CODES = {
  // files (desk)
  E_UNKNOWN_SERVICE: row(
    EXIT.usage,
    "A service is named that the project does not have.",
    "Fix the name, or add the service's folder.",
  ),
  E_CYCLE: row(EXIT.usage, "Services require each other in a circle.", "Break the circle at one of the lines named."),
  // journal (machine)
  E_JOURNAL_CORRUPT: row(
    EXIT.journal,
    "A line of the journal is damaged, and it is not the torn last one.",
    "Look with `bootlace journal repair`, which shows what it would do.",
  ),
  E_JOURNAL_VERSION: row(
    EXIT.journal,
    "The journal was written by a newer Bootlace.",
    "Boot a bundle that is as new as the journal.",
  ),
  // run (machine)
  E_LOCKED: row(
    EXIT.locked,
    "Another run holds the lock of this machine.",
    "Wait for it (`--wait`), or end the process that is named.",
  ),
  E_INTERNAL: row(EXIT.internal, "Bootlace itself is wrong.", "Report it, with the text and the stack."),
} as const satisfies Record<string, CodeRow>;

export type ErrorCode = keyof typeof CODES;

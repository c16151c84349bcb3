import type { Event } from "../../stage2/index.ts";

/** Who hears what happens, and how long it may take. */
export interface Doing {
  readonly report: (event: Event) => void;
  readonly signal: AbortSignal;
  /** Milliseconds between two looks at what is under way. */
  readonly every: number;
}

/** What a rollout or a rollback would do, worked out before anything is changed. */
export interface Change {
  /** For a person, a line each. */
  readonly lines: readonly string[];
  /** For a program. */
  readonly facts: Readonly<Record<string, unknown>>;
  /** Undefined: it is so already. */
  readonly make?: (doing: Doing) => Promise<Readonly<Record<string, unknown>>>;
}

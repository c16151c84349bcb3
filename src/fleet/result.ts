import { type ErrorCode, EXIT, type ExitCode } from "../../stage2/index.ts";

/** How a command ended on one machine. */
export interface HostResult {
  readonly target: string;
  readonly group?: string;
  readonly outcome:
    | "done"
    | "degraded"
    | "failed"
    /** It could not be reached. */
    | "unreachable"
    /** It could not be reached, and that was allowed. */
    | "skipped"
    /** Others failed before its turn came. */
    | "not-begun"
    /** The desk stopped following; a run that is named goes on. */
    | "left";
  readonly exit: ExitCode;
  readonly code?: ErrorCode;
  readonly message?: string;
  readonly hint?: string;
  readonly run?: string;
  /** Wall clock of its end, milliseconds. */
  readonly t: number;
  readonly ms: number;
}

/** From what matters most: docs/contracts.md, "Exit codes". */
const ORDER: readonly ExitCode[] = [
  EXIT.internal,
  EXIT.trust,
  EXIT.journal,
  EXIT.locked,
  EXIT.machine,
  EXIT.store,
  EXIT.serviceFailed,
  EXIT.usage,
  EXIT.degraded,
];

/** The one exit code for several machines: never 0 when one of them failed. */
export function worstExit(results: readonly (Pick<HostResult, "exit"> & Partial<HostResult>)[]): ExitCode {
  const worst = ORDER.find((code) => results.some(({ exit }) => exit === code));
  const bad = ({ exit, outcome }: (typeof results)[number]): boolean =>
    exit !== EXIT.ok || outcome === "failed" || outcome === "unreachable";
  return worst ?? (results.some(bad) ? EXIT.serviceFailed : EXIT.ok);
}

export const isGreen = ({ outcome }: HostResult): boolean => outcome === "done" || outcome === "degraded";
export const isFailed = ({ outcome }: HostResult): boolean => outcome === "failed" || outcome === "unreachable";

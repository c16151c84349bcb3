import { EXIT, type ExitCode } from "../../stage2/index.ts";
import type { CloseEvent } from "../machine/run/follow-run.ts";
import type { HostResult } from "./result.ts";

/** A run's end as a machine's result. One that did not end well has always a code. */
export function resultOf(close: CloseEvent): Pick<HostResult, "outcome" | "exit" | "code" | "message" | "run"> {
  const { run, outcome, failed, blocked } = close;
  if (outcome === "done" || outcome === "degraded") return { outcome, exit: exitOf(close.exit), run };
  const parts = [
    failed.length > 0 ? `${failed.join(", ")} failed` : `the run ended as ${outcome}`,
    ...(blocked.length > 0 ? [`blocked by that: ${blocked.join(", ")}`] : []),
  ];
  return { outcome: "failed", exit: EXIT.serviceFailed, code: "E_RUN_FAILED", message: parts.join("; "), run };
}

/**
 * What a command on a machine ended with, as an exit code of the desk. A code that is not in the table (126, 137, 255),
 * and a signal there, which is not one here, is a failure of what was run.
 */
export function exitOf(remote: number): ExitCode {
  if (remote === EXIT.interrupted || remote === EXIT.terminated) return EXIT.serviceFailed;
  return Object.values(EXIT).find((code) => code === remote) ?? EXIT.serviceFailed;
}

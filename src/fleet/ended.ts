import { BootlaceError, EXIT } from "../../stage2/index.ts";
import type { HostResult } from "./result.ts";
import type { Target } from "./targets.ts";

/** The result of a machine, `done` unless told otherwise. @param begun by performance.now(). */
export function ended(target: Target, begun: number, how: Partial<HostResult>): HostResult {
  const ms = Math.round(performance.now() - begun);
  const { name, group } = target;
  return { target: name, ...(group && { group }), outcome: "done", exit: EXIT.ok, t: Date.now(), ms, ...how };
}

const UNREACHABLE = new Set(["E_SESSION_CONNECT", "E_MACHINE_STATE"]);

/** The result of a machine on which something was thrown. */
export function failure(target: Target, begun: number, error: unknown): HostResult {
  if (!(error instanceof BootlaceError)) {
    const message = error instanceof Error ? (error.stack ?? error.message) : String(error);
    return ended(target, begun, { outcome: "failed", exit: EXIT.internal, code: "E_INTERNAL", message });
  }
  const { code, message, hint } = error;
  const outcome = UNREACHABLE.has(code) ? "unreachable" : "failed";
  return ended(target, begun, { outcome, exit: error.exit, code, message, ...(hint && { hint }) });
}

import { BootlaceError, EXIT } from "../../stage2/index.ts";
import type { CommandContext } from "../cli/command.ts";
import { Link } from "../machine/run/link.ts";
import type { Session } from "../session/session.ts";
import { inParallel } from "../store/in-parallel.ts";
import { ended, failure } from "./ended.ts";
import type { HostResult } from "./result.ts";
import type { Target } from "./targets.ts";

/** How many machines at a time: `--parallel`, 10 without it. @throws {BootlaceError} `E_USAGE` below 1. */
export function parallelOf({ parallel = 10 }: CommandContext["options"]): number {
  if (typeof parallel === "number" && parallel >= 1) return parallel;
  throw new BootlaceError("E_USAGE", `--parallel expects at least 1, "${parallel}" came`);
}

/** Does the same over a session to each machine; one that fails keeps no other from its turn. */
export function onEach(
  targets: readonly Target[],
  parallel: number,
  signal: AbortSignal,
  work: (session: Session, target: Target) => Promise<Partial<HostResult>>,
): Promise<readonly HostResult[]> {
  return inParallel(parallel, targets, async (target) => {
    const begun = performance.now();
    const link = new Link(target.machine);
    try {
      return ended(target, begun, await work(await link.session(signal), target));
    } catch (error) {
      if (!signal.aborted) return failure(target, begun, error);
      return ended(target, begun, { outcome: "left", exit: EXIT.interrupted, message: "stopped" });
    } finally {
      await link.close();
    }
  });
}

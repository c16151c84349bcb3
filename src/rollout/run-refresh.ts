import type { AutoScaling, InstanceRefresh } from "@aws-sdk/client-auto-scaling";
import { BootlaceError } from "../../stage2/index.ts";
import type { Doing } from "./change.ts";
import { followRefresh } from "./follow-refresh.ts";

export interface RefreshRun {
  readonly group: string;
  readonly id: string;
  /** What a person would type to be back at the progress. */
  readonly again: string;
  /** What a person would type to take it back. */
  readonly back: string;
  /** The state that it is meant to end in: taking back has another one. */
  readonly wanted: "Successful" | "RollbackSuccessful";
  readonly maxFail: number | undefined;
}

/**
 * Follows a refresh and tells how it ended. Ctrl-C ends the following alone.
 *
 * @throws {BootlaceError} `E_ROLLOUT_FAILED` with AWS's reason when it ends in another state.
 */
export async function runRefresh(api: AutoScaling, run: RefreshRun, doing: Doing): Promise<InstanceRefresh> {
  const { group, id, wanted } = run;
  const { report, signal } = doing;
  const of = `group ${group}`;
  const began = performance.now();
  const ms = (): number => Math.round(performance.now() - began);
  report({ t: Date.now(), k: "desk-start", step: "refresh", of, detail: id });
  let last: InstanceRefresh;
  try {
    last = await followRefresh(api, run, doing);
  } catch (error) {
    if (signal.aborted)
      report({ t: Date.now(), k: "notice", level: "warning", code: "W_ROLLOUT", message: goesOn(run) });
    throw error;
  }
  if (last.Status === wanted) {
    report({ t: Date.now(), k: "desk-done", step: "refresh", of, ms: ms() });
    return last;
  }
  const failed = failure(run, last);
  report({ t: Date.now(), k: "desk-fail", step: "refresh", of, ms: ms(), message: failed.message });
  throw failed;
}

/** For who stops watching. */
export const goesOn = ({ group, id, again, back }: RefreshRun): string =>
  `The refresh ${id} of ${group} goes on without this desk. Follow it: ${again}. Take it back: ${back}`;

function failure({ group, id, again, back, wanted }: RefreshRun, last: InstanceRefresh): BootlaceError {
  const { Status, StatusReason, RollbackDetails } = last;
  const why = RollbackDetails?.RollbackReason ?? StatusReason ?? "AWS gives no reason";
  const ended: Readonly<Record<string, string>> = {
    RollbackSuccessful: "was rolled back: all instances are as before",
    RollbackFailed: "failed, and so did its rollback: the group has instances of both versions",
    Cancelled: "was cancelled: the group has instances of both versions",
    Failed: "failed: the group has instances of both versions",
    Successful: "came to its end before it could be taken back",
  };
  const mixed = Status === "RollbackSuccessful" || wanted === "RollbackSuccessful";
  return new BootlaceError(
    "E_ROLLOUT_FAILED",
    `The refresh ${id} of ${group} ${ended[Status ?? ""] ?? Status}: ${why}`,
    {
      hint: mixed
        ? "Look at what an abandoned instance said: EC2 keeps its console for about an hour: bootlace status i-…"
        : `All back to the version that the group has: ${back}. Go on instead: ${again}. Why: bootlace status i-… reads an instance's console.`,
    },
  );
}

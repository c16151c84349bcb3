import type { Activity, AutoScaling, InstanceRefresh } from "@aws-sdk/client-auto-scaling";
import { waitFor } from "../machine/ec2/wait.ts";
import { isUnderWay } from "./aws/refreshes.ts";
import type { Doing } from "./change.ts";

export interface Followed {
  readonly group: string;
  readonly id: string;
  /** So many launches may be abandoned; at one more it is taken back. Undefined: that is left to AWS. */
  readonly maxFail: number | undefined;
}

/**
 * Follows an instance refresh to its end: per cents, what AWS says of it, launches that failed. A refresh whose instances
 * are abandoned one after another is not left to try for an hour.
 *
 * @throws an AbortError on Ctrl-C; the refresh goes on then.
 */
export async function followRefresh(
  api: AutoScaling,
  { group, id, maxFail }: Followed,
  { report, signal, every }: Doing,
): Promise<InstanceRefresh> {
  const told = new Set<string>();
  let percent = -1;
  let reason = "";
  let abandoned = 0;
  let said = false;
  let begun = false;
  const of = `group ${group}`;
  const say = (level: "info" | "warning", message: string): void =>
    report({ t: Date.now(), k: "notice", level, code: "W_ROLLOUT", message: `${group}: ${message}` });
  const look = async (): Promise<InstanceRefresh | undefined> => {
    const asked = { AutoScalingGroupName: group, InstanceRefreshIds: [id] };
    const [refresh] = (await api.describeInstanceRefreshes(asked)).InstanceRefreshes ?? [];
    if (!refresh) return undefined;
    for (const { ActivityId = "", text, isAbandoned } of await failures(api, group, refresh)) {
      if (told.has(ActivityId)) continue;
      told.add(ActivityId);
      abandoned += isAbandoned ? 1 : 0;
      say("warning", text);
    }
    const { PercentageComplete: done = 0, InstancesToUpdate: left = 0, StatusReason = "" } = refresh;
    if (done !== percent)
      report({ t: Date.now(), k: "desk-progress", step: "refresh", of, done, total: 100, unit: "items" });
    if (done !== percent || StatusReason !== reason) {
      const instances = `${left} ${left === 1 ? "instance" : "instances"} to go`;
      say("info", `${refresh.Status}, ${done} %, ${instances}${StatusReason === "" ? "" : `: ${StatusReason}`}`);
    }
    [percent, reason] = [done, StatusReason];
    if (!isUnderWay(refresh)) return refresh;
    if (maxFail !== undefined && abandoned > maxFail && !begun && refresh.Status === "InProgress") {
      if (!said) say("warning", `${abandoned} instances were abandoned by their boot: the refresh is taken back`);
      said = true;
      await api.rollbackInstanceRefresh({ AutoScalingGroupName: group });
      // Not before: what an outage kept from AWS is asked for again at the next look.
      begun = true;
    }
    return undefined;
  };
  return waitFor(look, {
    within: Number.POSITIVE_INFINITY,
    every,
    signal,
    overOutages: true,
    // It ended between two looks.
    passing: /^ActiveInstanceRefreshNotFound/,
    late: () => new Error("This wait has no end of its own"),
  });
}

/** Launches since the refresh began that came to nothing, the oldest first. */
async function failures(api: AutoScaling, group: string, { StartTime }: InstanceRefresh) {
  const { Activities = [] } = await api.describeScalingActivities({ AutoScalingGroupName: group, MaxRecords: 50 });
  const since = StartTime?.getTime() ?? 0;
  const isFailed = ({ StatusCode, StartTime: at }: Activity): boolean =>
    (StatusCode === "Failed" || StatusCode === "Cancelled") && (at?.getTime() ?? 0) >= since;
  return Activities.filter(isFailed)
    .reverse()
    .map(({ ActivityId, Description = "", StatusMessage = "" }) => ({
      ActivityId,
      text: `${Description}: ${StatusMessage}`,
      isAbandoned: /was abandoned/.test(StatusMessage),
    }));
}

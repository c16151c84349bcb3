import { setTimeout as sleep } from "node:timers/promises";
import { templateOf, versionOf } from "../actions/launch-templates.ts";
import type { Cloud } from "../cloud.ts";
import type { Region } from "../state.ts";
import { endMember, fillGroup, launchMember } from "./run-group.ts";
import type { Member, Spec, StoredRefresh, StoredScalingGroup } from "./scaling-state.ts";

/** A refresh fails after so many instances that were not taken into service. */
export interface RefreshPatience {
  failures: number;
}

/**
 * Replaces a group's instances one after another ("How an instance refresh works", Amazon EC2 Auto Scaling User Guide):
 * the group takes over what was wanted when all of it is done, and goes back where that was asked for.
 */
export async function runRefresh(
  cloud: Cloud,
  region: Region,
  group: StoredScalingGroup,
  refresh: StoredRefresh,
  patience: RefreshPatience,
): Promise<void> {
  const { api, to, from } = refresh;
  api.Status = "InProgress";
  const why = await replaceAll(cloud, region, group, refresh, to, patience);
  if (group.stopped) return;
  if (why === undefined) {
    group.template = to;
    api.PercentageComplete = 100;
    api.InstancesToUpdate = 0;
    api.Status = "Successful";
  } else if (refresh.asked === "cancel") api.Status = "Cancelled";
  else if (refresh.asked === "roll back" || (api.Preferences?.AutoRollback && api.DesiredConfiguration)) {
    api.Status = "RollbackInProgress";
    api.StatusReason = why;
    api.RollbackDetails = {
      RollbackReason: why,
      RollbackStartTime: new Date(),
      PercentageCompleteOnRollback: api.PercentageComplete,
      InstancesToUpdateOnRollback: api.InstancesToUpdate,
    };
    await fillWith(cloud, region, group, from);
    const failed = await replaceAll(cloud, region, group, { ...refresh, asked: "go on" }, from, patience);
    api.Status = failed === undefined ? "RollbackSuccessful" : "RollbackFailed";
  } else {
    api.Status = "Failed";
    api.StatusReason = why;
    await fillGroup(cloud, region, group);
  }
  api.EndTime = new Date();
}

/** @returns why it did not come to its end. */
async function replaceAll(
  cloud: Cloud,
  region: Region,
  group: StoredScalingGroup,
  refresh: StoredRefresh,
  to: Spec,
  patience: RefreshPatience,
): Promise<string | undefined> {
  const { api } = refresh;
  const wanted = versionOf(templateOf(region, { LaunchTemplateId: to.id }), to.version).VersionNumber;
  const isOld = ({ version }: Member) => version !== wanted || !api.Preferences?.SkipMatching;
  const old = group.members.filter(isOld);
  const {
    CheckpointPercentages: points = [],
    CheckpointDelay: delay = 3600,
    MinHealthyPercentage: healthy = 90,
  } = api.Preferences ?? {};
  let failures = 0;
  let reached = -1;
  for (const [index, member] of old.entries()) {
    api.InstancesToUpdate = old.length - index;
    api.PercentageComplete = Math.floor((100 * index) / old.length);
    const point = points.filter((percent) => percent <= (api.PercentageComplete ?? 0)).at(-1);
    if (point !== undefined && point > reached) {
      reached = point;
      api.StatusReason = `Waiting for checkpoint delay after ${point}% of the instances were replaced.`;
      const end = Date.now() + delay * 1000;
      while (Date.now() < end && refresh.asked === "go on" && !group.stopped) await sleep(10);
    }
    if (healthy < 100)
      await endMember(region, group, member, "an instance was taken out of service by an instance refresh");
    for (;;) {
      if (group.stopped) return "stopped";
      if (refresh.asked !== "go on") return `Instance refresh was asked to ${refresh.asked}.`;
      api.StatusReason = "Waiting for instances to be launched and to become healthy.";
      const why = await launchMember(cloud, region, group, to);
      if (why === undefined) break;
      failures += 1;
      if (failures >= patience.failures)
        return `Instance refresh was not able to replace ${member.id}: ${failures} launches failed, the last one: ${why}`;
    }
    if (healthy >= 100)
      await endMember(region, group, member, "an instance was taken out of service by an instance refresh");
    api.PercentageComplete = Math.floor((100 * (index + 1)) / old.length);
    api.InstancesToUpdate = old.length - index - 1;
  }
  delete api.StatusReason;
  return undefined;
}

async function fillWith(cloud: Cloud, region: Region, group: StoredScalingGroup, spec: Spec): Promise<void> {
  for (let tries = 0; tries < 3 && group.members.length < group.desired && !group.stopped; tries += 1)
    await launchMember(cloud, region, group, spec);
}

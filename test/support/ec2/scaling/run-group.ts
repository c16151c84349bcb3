import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type { Activity } from "@aws-sdk/client-auto-scaling";
import { templateOf, versionOf } from "../actions/launch-templates.ts";
import { RunInstances } from "../actions/run-instances.ts";
import type { Cloud } from "../cloud.ts";
import { errorOf } from "../fault-error.ts";
import { end, enqueue } from "../machines/instance-boot.ts";
import type { Region } from "../state.ts";
import { awaitLaunchHooks } from "./lifecycle.ts";
import type { Member, Spec, StoredScalingGroup } from "./scaling-state.ts";

/** Milliseconds before another try; EC2 Auto Scaling waits longer with each. */
const AGAIN = 100;
/** A group that cannot be filled gives up after so many tries, where AWS would go on for hours. */
const TRIES = 10;

/** Does something to a group after all that was begun before. */
export function enqueueOn(group: StoredScalingGroup, work: () => Promise<void>, bugs: (error: Error) => void): void {
  group.work = group.work.then(work).catch((error: Error) => bugs(error));
}

/** Launches what the group lacks, one by one, and ends what it has too many of. */
export async function fillGroup(cloud: Cloud, region: Region, group: StoredScalingGroup): Promise<void> {
  for (let failed = 0; failed < TRIES && !group.stopped; ) {
    const [last] = group.members.slice(group.desired);
    if (last)
      await endMember(region, group, last, "an instance was taken out of service in response to a user request");
    else if (group.members.length >= group.desired) return;
    else if ((await launchMember(cloud, region, group, group.template)) !== undefined) {
      failed += 1;
      await sleep(AGAIN);
    }
  }
}

/** @returns why the launch failed; undefined when the instance is in service. */
export async function launchMember(
  cloud: Cloud,
  region: Region,
  group: StoredScalingGroup,
  spec: Spec,
): Promise<string | undefined> {
  const activity = beginActivity(group, "Launching a new EC2 instance");
  const member = await runMember(cloud, region, group, spec).catch((error: Error) => error);
  if (member instanceof Error)
    return endActivity(activity, "Failed", `${member.message} Launching EC2 instance failed.`);
  activity.Description = `Launching a new EC2 instance: ${member.id}`;
  group.members.push(member);
  const instance = region.instances.get(member.id);
  await instance?.work;
  if (instance?.api.State?.Name !== "running") {
    drop(group, member);
    return endActivity(
      activity,
      "Failed",
      `Instance became unhealthy while waiting for instance to be in InService state.`,
    );
  }
  const why = await awaitLaunchHooks(group, member);
  if (why === undefined) {
    member.state = "InService";
    activity.StatusCode = "Successful";
    activity.Progress = 100;
    activity.EndTime = new Date();
    return undefined;
  }
  endActivity(activity, "Cancelled", why);
  await endMember(region, group, member, "an instance was abandoned by a lifecycle hook");
  return why;
}

async function runMember(cloud: Cloud, region: Region, group: StoredScalingGroup, spec: Spec): Promise<Member> {
  const { id, version } = spec;
  const { VersionNumber = 0 } = versionOf(templateOf(region, { LaunchTemplateId: id }), version);
  const input = {
    MinCount: 1,
    MaxCount: 1,
    LaunchTemplate: { LaunchTemplateId: id, Version: `${VersionNumber}` },
    ...(group.subnets[0] === undefined ? {} : { SubnetId: group.subnets[0] }),
  };
  const fault = cloud.misbehaviours.take("RunInstances", input);
  const instead = fault && errorOf(fault, "ec2", "RunInstances");
  if (instead) throw instead;
  const { Instances } = await RunInstances({ cloud, region, input, fault, commit() {} });
  const [made] = Instances ?? [];
  const instance = made?.InstanceId ?? "";
  const own = { "aws:autoscaling:groupName": group.name, "aws:ec2launchtemplate:id": id };
  region.tags.addOwn(instance, { ...group.tags, ...own, "aws:ec2launchtemplate:version": `${VersionNumber}` });
  return {
    id: instance,
    state: "Pending",
    version: VersionNumber,
    zone: made?.Placement?.AvailabilityZone ?? "",
    waiting: new Map(),
  };
}

export async function endMember(
  region: Region,
  group: StoredScalingGroup,
  member: Member,
  cause: string,
): Promise<void> {
  const activity = beginActivity(group, `Terminating EC2 instance: ${member.id}`, cause);
  member.state = "Terminating";
  const instance = region.instances.get(member.id);
  if (instance) {
    enqueue(instance, () => end(region, instance, "Client.UserInitiatedShutdown"));
    await instance.work;
  }
  drop(group, member);
  member.state = "Terminated";
  activity.StatusCode = "Successful";
  activity.Progress = 100;
  activity.EndTime = new Date();
}

function drop(group: StoredScalingGroup, member: Member): void {
  group.members.splice(group.members.indexOf(member), 1);
}

function beginActivity(group: StoredScalingGroup, description: string, cause = "the group lacks capacity"): Activity {
  const activity: Activity = {
    ActivityId: randomUUID(),
    AutoScalingGroupName: group.name,
    Description: description,
    Cause: `At ${new Date().toISOString()} ${cause}.`,
    StartTime: new Date(),
    StatusCode: "InProgress",
    Progress: 50,
    Details: "{}",
  };
  group.activities.unshift(activity);
  return activity;
}

function endActivity(activity: Activity, status: "Failed" | "Cancelled", why: string): string {
  activity.StatusCode = status;
  activity.StatusMessage = why;
  activity.Progress = 100;
  activity.EndTime = new Date();
  return why;
}

import { randomUUID } from "node:crypto";
import type {
  AutoScalingGroup,
  CancelInstanceRefreshType,
  CompleteLifecycleActionType,
  CreateAutoScalingGroupType,
  DeleteAutoScalingGroupType,
  DescribeInstanceRefreshesType,
  DescribeScalingActivitiesType,
  LaunchTemplateSpecification,
  PutLifecycleHookType,
  RecordLifecycleActionHeartbeatType,
  RollbackInstanceRefreshType,
  StartInstanceRefreshType,
  UpdateAutoScalingGroupType,
} from "@aws-sdk/client-auto-scaling";
import { templateOf, versionOf } from "../actions/launch-templates.ts";
import type { Cloud } from "../cloud.ts";
import { ApiError } from "../protocol/api-error.ts";
import { filtered } from "../protocol/filters.ts";
import { ACCOUNT, type Region } from "../state.ts";
import { endMember, enqueueOn, fillGroup } from "./run-group.ts";
import { type RefreshPatience, runRefresh } from "./run-refresh.ts";
import type { Spec, StoredRefresh, StoredScalingGroup, Waiting } from "./scaling-state.ts";

export interface ScalingCall<Input> {
  readonly cloud: Cloud;
  readonly region: Region;
  readonly input: Input;
  readonly patience: RefreshPatience;
  readonly bugs: (error: Error) => void;
}

const RUNNING = ["Pending", "InProgress", "Cancelling", "RollbackInProgress"];

function groupNamed(region: Region, name: string | undefined): StoredScalingGroup {
  const found = region.scaling.get(name ?? "");
  if (found) return found;
  throw new ApiError("ValidationError", `AutoScalingGroup name not found - AutoScalingGroup '${name}' not found`);
}

function specOf(region: Region, given: LaunchTemplateSpecification | undefined): Spec {
  if (!given) throw new ApiError("ValidationError", "Valid requests must contain a launch template.");
  const { LaunchTemplateId, LaunchTemplateName, Version = "$Default" } = given;
  const { id } = templateOf(region, { LaunchTemplateId, LaunchTemplateName });
  versionOf(templateOf(region, { LaunchTemplateId: id }), Version);
  return { id, version: Version };
}

const specIn = ({
  LaunchTemplate,
  MixedInstancesPolicy,
}: Pick<CreateAutoScalingGroupType, "LaunchTemplate" | "MixedInstancesPolicy">) =>
  LaunchTemplate ?? MixedInstancesPolicy?.LaunchTemplate?.LaunchTemplateSpecification;

export const scalingActions = {
  CreateAutoScalingGroup({ cloud, region, input, bugs }: ScalingCall<CreateAutoScalingGroupType>): object {
    const { AutoScalingGroupName: name = "", MinSize = 0, MaxSize = 0, VPCZoneIdentifier = "" } = input;
    if (region.scaling.has(name)) throw new ApiError("AlreadyExists", "AutoScalingGroup by this name already exists");
    const group: StoredScalingGroup = {
      name,
      created: new Date(),
      min: MinSize,
      max: MaxSize,
      desired: input.DesiredCapacity ?? MinSize,
      template: specOf(region, specIn(input)),
      mixed: input.MixedInstancesPolicy,
      subnets: VPCZoneIdentifier.split(",").filter(Boolean),
      tags: Object.fromEntries((input.Tags ?? []).map(({ Key = "", Value = "" }) => [Key, Value])),
      hooks: new Map(),
      members: [],
      activities: [],
      refreshes: [],
      work: Promise.resolve(),
      stopped: false,
    };
    for (const hook of input.LifecycleHookSpecificationList ?? [])
      group.hooks.set(hook.LifecycleHookName ?? "", { ...hook, AutoScalingGroupName: name });
    region.scaling.set(name, group);
    enqueueOn(group, () => fillGroup(cloud, region, group), bugs);
    return {};
  },

  UpdateAutoScalingGroup({ cloud, region, input, bugs }: ScalingCall<UpdateAutoScalingGroupType>): object {
    const group = groupNamed(region, input.AutoScalingGroupName);
    if (specIn(input)) group.template = specOf(region, specIn(input));
    if (input.MixedInstancesPolicy) group.mixed = input.MixedInstancesPolicy;
    group.min = input.MinSize ?? group.min;
    group.max = input.MaxSize ?? group.max;
    group.desired = input.DesiredCapacity ?? Math.max(group.min, group.desired);
    enqueueOn(group, () => fillGroup(cloud, region, group), bugs);
    return {};
  },

  DeleteAutoScalingGroup({ region, input, bugs }: ScalingCall<DeleteAutoScalingGroupType>): object {
    const group = groupNamed(region, input.AutoScalingGroupName);
    if (group.members.length > 0 && !input.ForceDelete)
      throw new ApiError("ResourceInUse", "You cannot delete an AutoScalingGroup while there are instances in it");
    stopGroup(group);
    enqueueOn(
      group,
      async () => {
        for (const member of [...group.members]) await endMember(region, group, member, "the group was deleted");
        region.scaling.delete(group.name);
      },
      bugs,
    );
    return {};
  },

  DescribeAutoScalingGroups({
    region,
    input,
  }: ScalingCall<{ AutoScalingGroupNames?: string[]; Filters?: [] }>): object {
    const names = input.AutoScalingGroupNames ?? [];
    const all = [...region.scaling.values()].filter(({ name }) => names.length === 0 || names.includes(name));
    const found = filtered(all, input.Filters, {}, ({ tags }) =>
      Object.entries(tags).map(([Key, Value]) => ({ Key, Value })),
    );
    return { AutoScalingGroups: found.map((group) => describe(region, group)) };
  },

  PutLifecycleHook({ region, input }: ScalingCall<PutLifecycleHookType>): object {
    const group = groupNamed(region, input.AutoScalingGroupName);
    const { LifecycleHookName = "", LifecycleTransition, HeartbeatTimeout, DefaultResult } = input;
    const hook = { LifecycleHookName, LifecycleTransition, HeartbeatTimeout, DefaultResult };
    group.hooks.set(LifecycleHookName, { ...hook, AutoScalingGroupName: group.name });
    return {};
  },

  CompleteLifecycleAction({ region, input }: ScalingCall<CompleteLifecycleActionType>): object {
    const { LifecycleActionResult: result } = input;
    if (result !== "CONTINUE" && result !== "ABANDON")
      throw new ApiError("ValidationError", `LifecycleActionResult ${result} is not valid`);
    waitingOf(region, input).complete(result);
    return {};
  },

  RecordLifecycleActionHeartbeat({ region, input }: ScalingCall<RecordLifecycleActionHeartbeatType>): object {
    waitingOf(region, input).beat();
    return {};
  },

  StartInstanceRefresh({ cloud, region, input, patience, bugs }: ScalingCall<StartInstanceRefreshType>): object {
    const group = groupNamed(region, input.AutoScalingGroupName);
    if (group.refreshes.some(({ api }) => RUNNING.includes(api.Status ?? "")))
      throw new ApiError(
        "InstanceRefreshInProgress",
        "An Instance Refresh is already in progress and blocks the execution of this Instance Refresh.",
      );
    const { Preferences, DesiredConfiguration, Strategy } = input;
    if (Strategy !== undefined && Strategy !== "Rolling")
      throw new ApiError("ValidationError", "only Rolling is there");
    const wanted = DesiredConfiguration && specIn(DesiredConfiguration);
    if (Preferences?.AutoRollback) assertRevocable(group, wanted);
    const api = {
      InstanceRefreshId: randomUUID(),
      AutoScalingGroupName: group.name,
      Status: "Pending" as const,
      StartTime: new Date(),
      PercentageComplete: 0,
      InstancesToUpdate: group.members.length,
      ...(Preferences && { Preferences }),
      ...(DesiredConfiguration && { DesiredConfiguration }),
    };
    const refresh: StoredRefresh = {
      api,
      from: group.template,
      to: wanted ? specOf(region, wanted) : group.template,
      asked: "go on",
    };
    group.refreshes.unshift(refresh);
    enqueueOn(group, () => runRefresh(cloud, region, group, refresh, patience), bugs);
    return { InstanceRefreshId: api.InstanceRefreshId };
  },

  DescribeInstanceRefreshes({ region, input }: ScalingCall<DescribeInstanceRefreshesType>): object {
    const group = groupNamed(region, input.AutoScalingGroupName);
    const ids = input.InstanceRefreshIds ?? [];
    const all = group.refreshes.map(({ api }) => api);
    const found = all.filter(({ InstanceRefreshId = "" }) => ids.length === 0 || ids.includes(InstanceRefreshId));
    return { InstanceRefreshes: found.slice(0, input.MaxRecords ?? 50) };
  },

  CancelInstanceRefresh({ region, input }: ScalingCall<CancelInstanceRefreshType>): object {
    return ask(groupNamed(region, input.AutoScalingGroupName), "cancel");
  },

  RollbackInstanceRefresh({ region, input }: ScalingCall<RollbackInstanceRefreshType>): object {
    const group = groupNamed(region, input.AutoScalingGroupName);
    const [newest] = group.refreshes;
    assertRevocable(group, newest?.api.DesiredConfiguration && specIn(newest.api.DesiredConfiguration));
    return ask(group, "roll back");
  },

  DescribeScalingActivities({ region, input }: ScalingCall<DescribeScalingActivitiesType>): object {
    const group = groupNamed(region, input.AutoScalingGroupName);
    return { Activities: group.activities.slice(0, input.MaxRecords ?? 100) };
  },
};

/** "Roll back changes with an instance refresh": numbered versions only, and something that differs. */
function assertRevocable(group: StoredScalingGroup, wanted: LaunchTemplateSpecification | undefined): void {
  if (!wanted)
    throw new ApiError(
      "IrreversibleInstanceRefresh",
      "The instance refresh has no desired configuration to roll back from.",
    );
  if ([group.template.version, wanted.Version].some((version) => !/^\d+$/.test(version ?? "")))
    throw new ApiError("ValidationError", "A launch template version of $Latest or $Default cannot be rolled back.");
}

function ask(group: StoredScalingGroup, what: "cancel" | "roll back"): object {
  const [refresh] = group.refreshes;
  if (!refresh || !["Pending", "InProgress"].includes(refresh.api.Status ?? ""))
    throw new ApiError(
      "ActiveInstanceRefreshNotFound",
      "No in progress or pending Instance Refresh found for Auto Scaling group",
    );
  refresh.asked = what;
  if (what === "cancel") refresh.api.Status = "Cancelling";
  else refresh.api.Status = "RollbackInProgress";
  return { InstanceRefreshId: refresh.api.InstanceRefreshId };
}

function waitingOf(
  region: Region,
  {
    AutoScalingGroupName,
    LifecycleHookName = "",
    InstanceId,
    LifecycleActionToken,
  }: RecordLifecycleActionHeartbeatType,
): Waiting {
  const group = groupNamed(region, AutoScalingGroupName);
  const waiting = group.members.find(({ id }) => id === InstanceId)?.waiting.get(LifecycleHookName);
  if (waiting && (LifecycleActionToken === undefined || LifecycleActionToken === waiting.token)) return waiting;
  throw new ApiError("ValidationError", `No active Lifecycle Action found with instance ID ${InstanceId}`);
}

/** Nothing new begins; who waits for a hook waits no more. */
export function stopGroup(group: StoredScalingGroup): void {
  group.stopped = true;
  for (const member of group.members) for (const waiting of member.waiting.values()) waiting.complete("ABANDON");
}

function describe(region: Region, group: StoredScalingGroup): AutoScalingGroup {
  const { name, min, max, desired, template, mixed, subnets, members } = group;
  const named = templateOf(region, { LaunchTemplateId: template.id });
  const spec = { LaunchTemplateId: named.id, LaunchTemplateName: named.name, Version: template.version };
  return {
    AutoScalingGroupName: name,
    AutoScalingGroupARN: `arn:aws:autoscaling:${region.name}:${ACCOUNT}:autoScalingGroup:${name}`,
    MinSize: min,
    MaxSize: max,
    DesiredCapacity: desired,
    DefaultCooldown: 300,
    AvailabilityZones: [`${region.name}a`],
    HealthCheckType: "EC2",
    CreatedTime: group.created,
    VPCZoneIdentifier: subnets.join(","),
    ...(mixed
      ? {
          MixedInstancesPolicy: {
            ...mixed,
            LaunchTemplate: { ...mixed.LaunchTemplate, LaunchTemplateSpecification: spec },
          },
        }
      : { LaunchTemplate: spec }),
    Instances: members.map(({ id, state, version, zone }) => ({
      InstanceId: id,
      InstanceType: region.instances.get(id)?.api.InstanceType,
      AvailabilityZone: zone,
      LifecycleState: state,
      HealthStatus: "Healthy",
      ProtectedFromScaleIn: false,
      LaunchTemplate: { ...spec, Version: `${version}` },
    })),
    Tags: Object.entries(group.tags).map(([Key, Value]) => ({ Key, Value, ResourceId: name, PropagateAtLaunch: true })),
  };
}

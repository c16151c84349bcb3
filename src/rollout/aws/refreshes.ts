import type { AutoScaling, InstanceRefresh } from "@aws-sdk/client-auto-scaling";
import { BootlaceError } from "../../../stage2/index.ts";
import { awsCode } from "../../machine/ec2/ec2-errors.ts";
import { configurationWith, type Group } from "./groups.ts";

/** How careful a refresh is; "RefreshPreferences", Amazon EC2 Auto Scaling API Reference. */
export interface Care {
  /** Per cent of the group that stays in service; undefined: AWS's 90. */
  readonly minHealthy?: number | undefined;
  /** Per cents at which it rests. */
  readonly checkpoints: readonly number[];
  /** Milliseconds that it rests; undefined: AWS's hour. */
  readonly checkpointDelay?: number | undefined;
  /** AWS goes back by itself when it fails. */
  readonly rollBack: boolean;
}

const UNDER_WAY = /^(Pending|InProgress|Cancelling|RollbackInProgress|Baking)$/;

export const isUnderWay = ({ Status }: InstanceRefresh): boolean => UNDER_WAY.test(Status ?? "");

/** The refresh that is under way, if there is one; a group has one at a time. */
export async function refreshUnderWay(api: AutoScaling, group: string): Promise<InstanceRefresh | undefined> {
  const { InstanceRefreshes = [] } = await api.describeInstanceRefreshes({
    AutoScalingGroupName: group,
    MaxRecords: 5,
  });
  return InstanceRefreshes.find(isUnderWay);
}

/** Version of the launch template that a refresh wants; undefined where it wants the group's own. */
export function wantedVersion({ DesiredConfiguration: wanted }: InstanceRefresh): number | undefined {
  const spec = wanted?.LaunchTemplate ?? wanted?.MixedInstancesPolicy?.LaunchTemplate?.LaunchTemplateSpecification;
  const number = Number(spec?.Version);
  return Number.isInteger(number) ? number : undefined;
}

/**
 * Begins to replace a group's instances by such of a version. When it has come to its end the group has that version.
 *
 * @param at what names the region in a printed command.
 * @returns the refresh's id.
 * @throws {BootlaceError} `E_ROLLOUT_BUSY` where another one is under way.
 */
export async function startRefresh(
  api: AutoScaling,
  group: Group,
  version: number,
  care: Care,
  at: string,
): Promise<string> {
  const { minHealthy, checkpoints, checkpointDelay, rollBack } = care;
  try {
    const { InstanceRefreshId: id } = await api.startInstanceRefresh({
      AutoScalingGroupName: group.name,
      Strategy: "Rolling",
      DesiredConfiguration: configurationWith(group, version),
      Preferences: {
        // What has the version already stays: a rollout that goes on replaces nothing twice.
        SkipMatching: true,
        AutoRollback: rollBack,
        ...(minHealthy === undefined ? {} : { MinHealthyPercentage: minHealthy }),
        ...(checkpoints.length === 0 ? {} : { CheckpointPercentages: [...checkpoints] }),
        ...(checkpointDelay === undefined ? {} : { CheckpointDelay: Math.round(checkpointDelay / 1000) }),
      },
    });
    if (id !== undefined) return id;
  } catch (error) {
    if (!awsCode(error).startsWith("InstanceRefreshInProgress")) throw error;
    // There is no client token: what a lost answer began is found by what it wants.
    const running = await refreshUnderWay(api, group.name);
    if (running?.InstanceRefreshId && wantedVersion(running) === version) return running.InstanceRefreshId;
    throw busy(group.name, running, at);
  }
  throw new BootlaceError("E_ROLLOUT_FAILED", `StartInstanceRefresh of ${group.name} answered no id`);
}

export function busy(group: string, running: InstanceRefresh | undefined, at: string): BootlaceError {
  const version = running && wantedVersion(running);
  const what = version === undefined ? "another refresh" : `a refresh to version ${version}`;
  return new BootlaceError(
    "E_ROLLOUT_BUSY",
    `In ${group} ${what} is under way: ${running?.InstanceRefreshId ?? "its id is not told"}, ${running?.Status ?? ""}`,
    { hint: `Let it end, or take it back: bootlace rollback asg/${group}${at}` },
  );
}

import type {
  AutoScaling,
  AutoScalingGroup,
  DesiredConfiguration,
  LaunchTemplateSpecification,
} from "@aws-sdk/client-auto-scaling";
import { BootlaceError } from "../../../stage2/index.ts";

/** An Auto Scaling group, as far as a rollout needs it. */
export interface Group {
  readonly name: string;
  /** Of its launch template. */
  readonly templateId: string;
  /** A number, `$Default` or `$Latest`. */
  readonly version: string;
  readonly instances: readonly { readonly id: string; readonly state: string; readonly version: string }[];
  readonly policy: AutoScalingGroup["MixedInstancesPolicy"];
}

/** @throws {BootlaceError} `E_ROLLOUT_TARGET`: there is none, or it has no launch template of its own. */
export async function findGroup(api: AutoScaling, name: string): Promise<Group> {
  const { AutoScalingGroups = [] } = await api.describeAutoScalingGroups({ AutoScalingGroupNames: [name] });
  const [found] = AutoScalingGroups;
  if (!found)
    throw new BootlaceError(
      "E_ROLLOUT_TARGET",
      `There is no Auto Scaling group ${name} in ${await api.config.region()}`,
      { hint: "`aws autoscaling describe-auto-scaling-groups` lists them; names count upper and lower case." },
    );
  const { MixedInstancesPolicy: policy } = found;
  const spec = found.LaunchTemplate ?? policy?.LaunchTemplate?.LaunchTemplateSpecification;
  if (spec?.LaunchTemplateId === undefined)
    throw new BootlaceError(
      "E_ROLLOUT_TARGET",
      `The group ${name} has a launch configuration, and no launch template`,
      {
        hint: "Give it a launch template: AWS makes no new launch configurations any more.",
      },
    );
  const others = policy?.LaunchTemplate?.Overrides?.find(({ LaunchTemplateSpecification: own }) => own !== undefined);
  if (others)
    throw new BootlaceError(
      "E_ROLLOUT_TARGET",
      `The group ${name} has a launch template of its own for ${others.InstanceType ?? "one of its instance types"}`,
      { hint: "Roll out to each of its templates (lt:NAME), then refresh the group by hand." },
    );
  return {
    name,
    templateId: spec.LaunchTemplateId,
    version: spec.Version ?? "$Default",
    policy,
    instances: (found.Instances ?? []).map(({ InstanceId = "", LifecycleState = "", LaunchTemplate }) => ({
      id: InstanceId,
      state: LifecycleState,
      version: LaunchTemplate?.Version ?? "",
    })),
  };
}

/** What of the group would be another with that version. Of template's name and id the API takes one. */
export function configurationWith({ templateId, policy }: Group, version: number): DesiredConfiguration {
  const spec: LaunchTemplateSpecification = { LaunchTemplateId: templateId, Version: `${version}` };
  if (!policy) return { LaunchTemplate: spec };
  return {
    MixedInstancesPolicy: {
      ...policy,
      LaunchTemplate: { ...policy.LaunchTemplate, LaunchTemplateSpecification: spec },
    },
  };
}

/** Binds a group to a version's number: what it launches changes only when somebody says so, and can be taken back. */
export async function pinGroup(api: AutoScaling, group: Group, version: number): Promise<void> {
  await api.updateAutoScalingGroup({ AutoScalingGroupName: group.name, ...configurationWith(group, version) });
}

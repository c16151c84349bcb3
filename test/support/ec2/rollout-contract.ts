import { randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type { AutoScaling } from "@aws-sdk/client-auto-scaling";
import type { EC2 } from "@aws-sdk/client-ec2";
import type { SSM } from "@aws-sdk/client-ssm";
import { afterAll, beforeAll, expect, test } from "vitest";

export interface RolloutUnderTest {
  readonly name: string;
  /** Called once. */
  readonly open: () => Promise<{ readonly api: EC2; readonly scaling: AutoScaling; readonly ssm: SSM }>;
  readonly close: () => Promise<void>;
  /** Milliseconds between two looks. */
  readonly every: number;
}

const PARAMETER = "/aws/service/debian/release/12/latest/amd64";

/**
 * What a rollout relies on, by the API references of Amazon EC2, EC2 Auto Scaling and Systems Manager. Its group has no
 * instance, so that it costs nothing on AWS; it removes what it made.
 */
export function testRolloutContract({ name, open, close, every }: RolloutUnderTest): void {
  const mark = `bootlace-contract-${randomBytes(4).toString("hex")}`;
  let [ami, template] = ["", ""];
  let api: EC2;
  let scaling: AutoScaling;
  let ssm: SSM;
  beforeAll(async () => {
    ({ api, scaling, ssm } = await open());
    ami = (await ssm.getParameter({ Name: PARAMETER })).Parameter?.Value ?? "";
  });
  afterAll(async () => {
    await scaling.deleteAutoScalingGroup({ AutoScalingGroupName: mark, ForceDelete: true }).catch(() => {});
    if (template) await api.deleteLaunchTemplate({ LaunchTemplateId: template }).catch(() => {});
    await close();
  });
  const group = async () =>
    (await scaling.describeAutoScalingGroups({ AutoScalingGroupNames: [mark] })).AutoScalingGroups?.[0];

  test(`${name}: a version takes from its source what it does not say itself, and the default stays`, async () => {
    const data = { ImageId: ami, InstanceType: "t3.micro" } as const;
    const made = await api.createLaunchTemplate({ LaunchTemplateName: mark, LaunchTemplateData: data });
    template = made.LaunchTemplate?.LaunchTemplateId ?? "";
    const asked = {
      LaunchTemplateId: template,
      SourceVersion: "1",
      LaunchTemplateData: { ImageId: ami },
      VersionDescription: "Bootlace: image web/1 of small, after version 1",
      ClientToken: mark,
    };
    const { LaunchTemplateVersion: version } = await api.createLaunchTemplateVersion(asked);
    expect(version).toMatchObject({ VersionNumber: 2, DefaultVersion: false, LaunchTemplateData: data });
    // The same token makes nothing more.
    expect((await api.createLaunchTemplateVersion(asked)).LaunchTemplateVersion?.VersionNumber).toBe(2);
    const { LaunchTemplates } = await api.describeLaunchTemplates({ LaunchTemplateNames: [mark] });
    expect(LaunchTemplates?.[0]).toMatchObject({ DefaultVersionNumber: 1, LatestVersionNumber: 2 });
    const missing = api.describeLaunchTemplates({ LaunchTemplateNames: [`${mark}-x`] });
    await expect(missing).rejects.toMatchObject({
      name: expect.stringMatching(/^InvalidLaunchTemplateName\.NotFound/),
    });
    const none = api.describeLaunchTemplateVersions({ LaunchTemplateId: template, Versions: ["9"] });
    await expect(none).rejects.toMatchObject({ name: expect.stringContaining("VersionNotFound") });
  });

  test(`${name}: a refresh with a desired configuration binds the group to that version when it ends`, async () => {
    const { Subnets } = await api.describeSubnets({ Filters: [{ Name: "default-for-az", Values: ["true"] }] });
    await scaling.createAutoScalingGroup({
      AutoScalingGroupName: mark,
      MinSize: 0,
      MaxSize: 1,
      DesiredCapacity: 0,
      VPCZoneIdentifier: Subnets?.[0]?.SubnetId,
      LaunchTemplate: { LaunchTemplateId: template, Version: "1" },
    });
    const wanted = { LaunchTemplate: { LaunchTemplateId: template, Version: "2" } };
    const { InstanceRefreshId = "" } = await scaling.startInstanceRefresh({
      AutoScalingGroupName: mark,
      DesiredConfiguration: wanted,
      Preferences: { SkipMatching: true, MinHealthyPercentage: 90 },
    });
    for (;;) {
      const asked = { AutoScalingGroupName: mark, InstanceRefreshIds: [InstanceRefreshId] };
      const [refresh] = (await scaling.describeInstanceRefreshes(asked)).InstanceRefreshes ?? [];
      if (refresh?.Status === "Successful") break;
      expect(["Pending", "InProgress"]).toContain(refresh?.Status);
      await sleep(every);
    }
    expect((await group())?.LaunchTemplate).toMatchObject({ LaunchTemplateId: template, Version: "2" });
    const over = scaling.rollbackInstanceRefresh({ AutoScalingGroupName: mark });
    await expect(over).rejects.toMatchObject({ name: expect.stringMatching(/^ActiveInstanceRefreshNotFound/) });
  });

  test(`${name}: a hook that does not wait is a ValidationError which says so`, async () => {
    const action = {
      AutoScalingGroupName: mark,
      LifecycleHookName: "boot",
      InstanceId: "i-0123456789abcdef0",
      LifecycleActionResult: "CONTINUE",
    };
    await expect(scaling.completeLifecycleAction(action)).rejects.toMatchObject({
      name: "ValidationError",
      message: expect.stringMatching(/No active Lifecycle Action/i),
    });
  });
}

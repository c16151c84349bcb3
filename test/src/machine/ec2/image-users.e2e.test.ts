import { AutoScaling } from "@aws-sdk/client-auto-scaling";
import { EC2 } from "@aws-sdk/client-ec2";
import { SSM } from "@aws-sdk/client-ssm";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import imageDeprecate from "../../../../src/commands/image-deprecate.ts";
import imageImport from "../../../../src/commands/image-import.ts";
import imagePrune from "../../../../src/commands/image-prune.ts";
import imageRm from "../../../../src/commands/image-rm.ts";
import imageTag from "../../../../src/commands/image-tag.ts";
import { type ImageRecord, imageName } from "../../../../src/image/image-record.ts";
import { FileRecords } from "../../../../src/image/records/file-records.ts";
import { launchConfigurations } from "../../../support/ec2/scaling/launch-configurations.ts";
import { runCommand } from "../../../support/run-command.ts";
import { makeProject } from "../../../support/small-project.ts";
import { type Ec2Rig, openEc2Rig } from "./rig.ts";

let rig: Ec2Rig;
let ec2: EC2;
let scaling: AutoScaling;
let ssm: SSM;
beforeAll(async () => {
  rig = await openEc2Rig();
  ec2 = new EC2({});
  scaling = new AutoScaling({});
  ssm = new SSM({});
});
afterEach(() => rig.ec2.behave());
afterAll(async () => {
  ec2?.destroy();
  scaling?.destroy();
  ssm?.destroy();
  await rig?.close();
});

const PROJECT = { "bootlace.yaml": "name: small\nregion: eu-west-1\nservices: []\n" };

/** An AMI that the account made by hand, taken in. */
async function golden(dir: string, name: string): Promise<{ image: ImageRecord; ami: string }> {
  const machine = await rig.launch({ name: `by-hand-${name}`, dir });
  await machine.stop();
  const instance = [...rig.ec2.state.instances.values()].at(-1)?.id ?? "";
  const { ImageId = "" } = await ec2.createImage({ InstanceId: instance, Name: `golden-${name}` });
  await rig.ec2.settle();
  await machine.dispose();
  await runCommand(imageImport, dir, [name, ImageId], { options: { login: "admin" } });
  const [image] = await new FileRecords(dir).named(name);
  return { image: image!, ami: ImageId };
}
const usersOf = (image: ImageRecord) => rig.provider.usersOf?.(image.origin);
const stateOf = async (dir: string, image: ImageRecord) =>
  (await new FileRecords(dir).get(image.name, image.id))?.state;

test("an AMI that was made by hand is taken in, tagged, deprecated and removed with its snapshots", async () => {
  const dir = await makeProject(PROJECT);
  const { image, ami } = await golden(dir, "golden");
  expect(image).toMatchObject({
    state: "good",
    provenance: "imported",
    arch: "x86_64",
    origin: { ami, login: "admin" },
  });
  await expect(runCommand(imageImport, dir, ["other", ami], { options: { login: "admin" } })).rejects.toMatchObject({
    code: "E_RECORD_TAKEN",
  });

  await runCommand(imageTag, dir, ["golden", "release=42"]);
  const tags = () => rig.ec2.state.tags.of(ami).map(({ Key, Value }) => `${Key}=${Value}`);
  expect(tags()).toContain("release=42");
  await runCommand(imageTag, dir, ["golden", "release="]);
  expect(tags()).not.toContain("release=42");

  const deprecation = async () => (await ec2.describeImages({ ImageIds: [ami] })).Images?.[0]?.DeprecationTime;
  await runCommand(imageDeprecate, dir, ["golden"]);
  expect(await deprecation()).toBeDefined();
  await runCommand(imageDeprecate, dir, ["golden"], { options: { undo: true } });
  expect(await deprecation()).toBeUndefined();

  await runCommand(imageRm, dir, [imageName(image)], { yes: true });
  expect(await stateOf(dir, image)).toBe("gone");
  await rig.ec2.settle();
  expect(rig.ec2.leftovers().filter((what) => /^(ami|snap)/.test(what))).toEqual([]);
});

test("import refuses what is not there, what is no AMI's id, and what nobody can log in to", async () => {
  const dir = await makeProject(PROJECT);
  const taken = (id: string, options = {}) => runCommand(imageImport, dir, ["golden", id], { options });
  await expect(taken("ami-0123456789abcdef0")).rejects.toMatchObject({ code: "E_EC2_BASE" });
  await expect(taken("i-0123456789abcdef0")).rejects.toMatchObject({ code: "E_USAGE" });
  await expect(taken(rig.ec2.amis.impostor)).rejects.toMatchObject({
    code: "E_EC2_BASE",
    hint: expect.stringContaining("login"),
  });
  expect(await new FileRecords(dir).all()).toEqual([]);
  // Another account's is taken in, and never removed.
  expect(await taken(rig.ec2.amis.debian)).toContain("only forgets it");
  const [image] = await new FileRecords(dir).named("golden");
  await runCommand(imageRm, dir, [imageName(image!)], { yes: true });
  expect(await stateOf(dir, image!)).toBe("gone");
  expect(rig.ec2.state.images.has(rig.ec2.amis.debian)).toBe(true);
});

test("rm and prune leave alone what a template, a group, a configuration or an instance stands on", async () => {
  const dir = await makeProject(PROJECT);
  const { image, ami } = await golden(dir, "web");
  expect(await usersOf(image)).toEqual([]);

  // Not the newest version: somebody may go back to it.
  const other = rig.ec2.amis.debian;
  await ec2.createLaunchTemplate({ LaunchTemplateName: "shop", LaunchTemplateData: { ImageId: ami } });
  await ec2.createLaunchTemplateVersion({ LaunchTemplateName: "shop", LaunchTemplateData: { ImageId: other } });
  await ec2.createLaunchTemplate({ LaunchTemplateName: "other", LaunchTemplateData: { ImageId: other } });
  expect(await usersOf(image)).toEqual(["launch template shop, version 1"]);
  await scaling.createAutoScalingGroup({
    AutoScalingGroupName: "shop-web",
    MinSize: 0,
    MaxSize: 1,
    LaunchTemplate: { LaunchTemplateName: "shop", Version: "1" },
    VPCZoneIdentifier: rig.ec2.subnets.public,
  });
  expect(await usersOf(image)).toContain("Auto Scaling group shop-web");
  await scaling.deleteAutoScalingGroup({ AutoScalingGroupName: "shop-web" });
  await ec2.deleteLaunchTemplate({ LaunchTemplateName: "shop" });

  launchConfigurations(rig.ec2.state).push({
    LaunchConfigurationName: "old-web",
    ImageId: ami,
    InstanceType: "t3.small",
    CreatedTime: new Date(),
  });
  expect(await usersOf(image)).toEqual(["launch configuration old-web"]);
  await expect(runCommand(imageRm, dir, [imageName(image)], { yes: true })).rejects.toMatchObject({
    code: "E_IMAGE_IN_USE",
    message: expect.stringContaining("old-web"),
  });
  launchConfigurations(rig.ec2.state).length = 0;

  const { Instances = [] } = await ec2.runInstances({
    ImageId: ami,
    InstanceType: "t3.small",
    MinCount: 1,
    MaxCount: 1,
  });
  const id = Instances[0]?.InstanceId ?? "";
  const prune = () => runCommand(imagePrune, dir, [], { options: { keep: 0, plan: true } });
  // What was made by hand is nobody's to prune.
  expect(await prune()).toBe("Nothing is to be removed\n");
  const records = new FileRecords(dir);
  const { provenance: _imported, ...rest } = image;
  await records.add({ ...rest, id: "20260101000000-0000", revision: 1, provenance: "built" });
  expect(await prune()).toContain("stays web/20260101000000-0000");
  expect(await prune()).toContain(`instance ${id}`);
  await ec2.terminateInstances({ InstanceIds: [id] });
  await rig.ec2.settle();
  await ssm.putParameter({ Name: "/shop/ami", Value: ami, Type: "String", DataType: "aws:ec2:image" });
  expect(await usersOf(image)).toEqual(["parameter /shop/ami"]);
  await ssm.putParameter({ Name: "/shop/ami", Value: other, Overwrite: true, DataType: "aws:ec2:image" });
  await ec2.enableImageDeregistrationProtection({ ImageId: ami });
  expect(await usersOf(image)).toEqual(["its protection against deregistration"]);
  await ec2.disableImageDeregistrationProtection({ ImageId: ami });

  // Who may not look does not know, and removes nothing.
  rig.ec2.misbehave({ action: "DescribeLaunchTemplates", fault: { kind: "denied" } });
  await expect(runCommand(imageRm, dir, [imageName(image)], { yes: true })).rejects.toMatchObject({
    code: "E_AWS_DENIED",
  });
  expect(await stateOf(dir, image)).toBe("good");
  rig.ec2.behave();
  await runCommand(imageRm, dir, [imageName(image)], { yes: true });
  expect(await stateOf(dir, image)).toBe("gone");
});

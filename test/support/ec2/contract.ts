import { randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type { EC2, RunInstancesCommandInput } from "@aws-sdk/client-ec2";
import type { SSM } from "@aws-sdk/client-ssm";
import { afterAll, beforeAll, expect, test } from "vitest";
import { makeSshKey } from "../../../src/session/ssh-key.ts";

export interface Ec2UnderTest {
  readonly name: string;
  /** Called once. */
  readonly open: () => Promise<{
    readonly api: EC2;
    readonly ssm: SSM;
    /** A public parameter that names an AMI of x86_64, and an instance type that fits it. */
    readonly parameter: string;
    readonly type: NonNullable<RunInstancesCommandInput["InstanceType"]>;
    readonly armType: NonNullable<RunInstancesCommandInput["InstanceType"]>;
  }>;
  readonly close: () => Promise<void>;
  /** Milliseconds between two looks. */
  readonly every: number;
}

/**
 * What building an image relies on, as the Amazon EC2 API Reference has it. It holds for the endpoint on loopback, and is
 * written so that it can be asked of AWS itself; there it takes some minutes, costs cents, and removes what it made.
 */
export function testEc2Contract({ name, open, close, every }: Ec2UnderTest): void {
  const mark = `bootlace-contract-${randomBytes(4).toString("hex")}`;
  const Tags = [{ Key: "bootlace:contract", Value: mark }];
  const ours = [{ Name: "tag:bootlace:contract", Values: [mark] }];
  let given: Awaited<ReturnType<Ec2UnderTest["open"]>>;
  let api: EC2;
  let ami = "";
  let group = "";
  let instance = "";
  let image = "";
  beforeAll(async () => {
    given = await open();
    api = given.api;
    const { Parameter } = await given.ssm.getParameter({ Name: given.parameter });
    ami = Parameter?.Value ?? "";
  });
  afterAll(async () => {
    if (instance) await api.terminateInstances({ InstanceIds: [instance] });
    if (image) await api.deregisterImage({ ImageId: image }).catch(() => {});
    for (const { SnapshotId } of (await api.describeSnapshots({ Filters: ours })).Snapshots ?? [])
      await api.deleteSnapshot({ SnapshotId }).catch(() => {});
    if (instance) await until("terminated");
    if (group) await api.deleteSecurityGroup({ GroupId: group }).catch(() => {});
    await api.deleteKeyPair({ KeyName: mark });
    await close();
  });
  const request = (more: Partial<RunInstancesCommandInput> = {}): RunInstancesCommandInput => ({
    ImageId: ami,
    InstanceType: given.type,
    MinCount: 1,
    MaxCount: 1,
    KeyName: mark,
    SecurityGroupIds: [group],
    ClientToken: mark,
    InstanceInitiatedShutdownBehavior: "terminate",
    MetadataOptions: { HttpTokens: "required", InstanceMetadataTags: "enabled" },
    TagSpecifications: [
      { ResourceType: "instance", Tags },
      { ResourceType: "volume", Tags },
    ],
    ...more,
  });
  const look = async () =>
    (await api.describeInstances({ InstanceIds: [instance] })).Reservations?.[0]?.Instances?.[0] ?? {};
  const until = async (state: string) => {
    for (;;) {
      const found = await look();
      if (found.State?.Name === state) return found;
      await sleep(every);
    }
  };
  const refused = (promise: Promise<unknown>, code: string) => expect(promise).rejects.toMatchObject({ name: code });

  test(`${name}: GetParameter gives the id of a public AMI, and ParameterNotFound for another name`, async () => {
    const { Images } = await api.describeImages({ ImageIds: [ami] });
    expect(Images?.[0]).toMatchObject({ ImageId: ami, Architecture: "x86_64", State: "available", Public: true });
    await refused(given.ssm.getParameter({ Name: `/${mark}` }), "ParameterNotFound");
  });

  test(`${name}: ImportKeyPair takes an Ed25519 key once, with its tags`, async () => {
    const key = { KeyName: mark, PublicKeyMaterial: Buffer.from(makeSshKey("contract").public) };
    await api.importKeyPair({ ...key, TagSpecifications: [{ ResourceType: "key-pair", Tags }] });
    await refused(api.importKeyPair(key), "InvalidKeyPair.Duplicate");
    await refused(api.importKeyPair({ ...key, PublicKeyMaterial: Buffer.from("nothing") }), "InvalidKey.Format");
    const { KeyPairs } = await api.describeKeyPairs({ Filters: ours });
    expect(KeyPairs).toMatchObject([{ KeyName: mark, KeyType: "ed25519", Tags }]);
  });

  test(`${name}: CreateSecurityGroup and AuthorizeSecurityGroupIngress refuse what is there already`, async () => {
    const { Vpcs } = await api.describeVpcs({ Filters: [{ Name: "is-default", Values: ["true"] }] });
    const made = { GroupName: mark, Description: "Bootlace contract", VpcId: Vpcs?.[0]?.VpcId };
    const TagSpecifications = [{ ResourceType: "security-group" as const, Tags }];
    group = (await api.createSecurityGroup({ ...made, TagSpecifications })).GroupId ?? "";
    await refused(api.createSecurityGroup(made), "InvalidGroup.Duplicate");
    const rule = {
      GroupId: group,
      IpPermissions: [{ IpProtocol: "tcp", FromPort: 22, ToPort: 22, IpRanges: [{ CidrIp: "127.0.0.1/32" }] }],
    };
    await api.authorizeSecurityGroupIngress(rule);
    await refused(api.authorizeSecurityGroupIngress(rule), "InvalidPermission.Duplicate");
    const { SecurityGroups } = await api.describeSecurityGroups({ Filters: ours });
    expect(SecurityGroups).toMatchObject([{ GroupId: group, Tags }]);
  });

  test(`${name}: RunInstances finds what cannot be before it launches anything`, async () => {
    const dry = (more: Partial<RunInstancesCommandInput>) => api.runInstances(request({ DryRun: true, ...more }));
    await refused(dry({}), "DryRunOperation");
    await refused(dry({ ImageId: "ami-0123456789abcdef0" }), "InvalidAMIID.NotFound");
    await refused(dry({ InstanceType: given.armType }), "InvalidParameterValue");
    await refused(dry({ KeyName: `${mark}-other` }), "InvalidKeyPair.NotFound");
    await refused(dry({ SecurityGroupIds: ["sg-0123456789abcdef0"] }), "InvalidGroup.NotFound");
    await refused(dry({ SubnetId: "subnet-0123456789abcdef0" }), "InvalidSubnetID.NotFound");
    const tagged = (ResourceType: "instance" | "spot-instances-request", Key: string) =>
      dry({ TagSpecifications: [{ ResourceType, Tags: [{ Key, Value: "x" }] }] });
    await refused(tagged("instance", "aws:x"), "InvalidParameterValue");
    // The metadata service shows tags, so their keys are parts of paths.
    await refused(tagged("instance", "cost centre"), "InvalidParameterValue");
    await expect(tagged("spot-instances-request", "x")).rejects.toThrow("no Spot instances requests");
    const { Reservations } = await api.describeInstances({ Filters: ours });
    expect(Reservations).toEqual([]);
  });

  test(`${name}: RunInstances with one client token launches once, and refuses it for anything else`, async () => {
    const first = await api.runInstances(request());
    instance = first.Instances?.[0]?.InstanceId ?? "";
    expect(first.Instances?.[0]).toMatchObject({ State: { Name: "pending" }, Tags });
    const again = await api.runInstances(request());
    expect(again.Instances?.[0]?.InstanceId).toBe(instance);
    await refused(api.runInstances(request({ EbsOptimized: true })), "IdempotentParameterMismatch");
    const found = await until("running");
    expect(found).toMatchObject({
      ImageId: ami,
      KeyName: mark,
      RootDeviceType: "ebs",
      MetadataOptions: { HttpTokens: "required", InstanceMetadataTags: "enabled" },
    });
    expect(found.PublicIpAddress).toMatch(/^\d+(\.\d+){3}$/);
    const [volume] = (await api.describeVolumes({ Filters: ours })).Volumes ?? [];
    expect(found.BlockDeviceMappings?.[0]?.Ebs?.VolumeId).toBe(volume?.VolumeId);
  });

  test(`${name}: the shutdown behaviour can be changed and read back`, async () => {
    const Attribute = "instanceInitiatedShutdownBehavior" as const;
    const read = async () =>
      (await api.describeInstanceAttribute({ InstanceId: instance, Attribute })).InstanceInitiatedShutdownBehavior;
    expect(await read()).toEqual({ Value: "terminate" });
    await api.modifyInstanceAttribute({
      InstanceId: instance,
      InstanceInitiatedShutdownBehavior: { Value: "stop" },
    });
    expect(await read()).toEqual({ Value: "stop" });
  });

  test(`${name}: filters select by value and pattern, and one that is not known is an error`, async () => {
    const count = async (Name: string, ...Values: string[]) =>
      (await api.describeInstances({ Filters: [...ours, { Name, Values }] })).Reservations?.length;
    expect(await count("instance-state-name", "running", "stopped")).toBe(1);
    expect(await count("instance-state-name", "terminated")).toBe(0);
    expect(await count("tag:bootlace:contract", "bootlace-contract-*")).toBe(1);
    expect(await count("tag-key", "bootlace:contract")).toBe(1);
    await refused(count("no-such-filter", "x"), "InvalidParameterValue");
    await refused(api.describeInstances({ InstanceIds: ["i-0123456789abcdef0"] }), "InvalidInstanceID.NotFound");
    await refused(api.describeInstances({ InstanceIds: ["i-nothing"] }), "InvalidInstanceID.Malformed");
  });

  test(`${name}: a group cannot be deleted while an instance has it`, async () => {
    await refused(api.deleteSecurityGroup({ GroupId: group }), "DependencyViolation");
  });

  test(`${name}: CreateImage makes an AMI with tags on it and its snapshot, under a name that is free`, async () => {
    await api.stopInstances({ InstanceIds: [instance] });
    await until("stopped");
    const made = { InstanceId: instance, Name: mark };
    const TagSpecifications = [
      { ResourceType: "image" as const, Tags },
      { ResourceType: "snapshot" as const, Tags },
    ];
    image = (await api.createImage({ ...made, TagSpecifications })).ImageId ?? "";
    await refused(api.createImage(made), "InvalidAMIName.Duplicate");
    const find = async () => (await api.describeImages({ Owners: ["self"], Filters: ours })).Images?.[0] ?? {};
    while ((await find()).State !== "available") await sleep(every);
    const { Snapshots } = await api.describeSnapshots({ OwnerIds: ["self"], Filters: ours });
    const { BlockDeviceMappings, ...found } = await find();
    expect(found).toMatchObject({ ImageId: image, Name: mark, Architecture: "x86_64", Public: false, Tags });
    expect(BlockDeviceMappings?.map(({ Ebs }) => Ebs?.SnapshotId)).toEqual(Snapshots?.map((each) => each.SnapshotId));
    expect(Snapshots).toMatchObject([{ State: "completed", Progress: "100%" }]);
  });

  test(`${name}: an AMI takes imds-support, a deprecation date, sharing and protection`, async () => {
    const ImageId = image;
    await api.modifyImageAttribute({ ImageId, ImdsSupport: { Value: "v2.0" } });
    const DeprecateAt = new Date(Date.now() + 86_400_000);
    await api.enableImageDeprecation({ ImageId, DeprecateAt });
    const [found] = (await api.describeImages({ ImageIds: [ImageId] })).Images ?? [];
    expect(found?.ImdsSupport).toBe("v2.0");
    expect(Math.abs(Date.parse(found?.DeprecationTime ?? "") - DeprecateAt.getTime())).toBeLessThanOrEqual(60_000);
    await refused(
      api.modifyImageAttribute({ ImageId, LaunchPermission: { Add: [{ UserId: "me" }] } }),
      "InvalidAMIAttributeItemValue",
    );
    await api.enableImageDeregistrationProtection({ ImageId });
    await expect(api.deregisterImage({ ImageId })).rejects.toThrow();
    expect((await api.describeImages({ ImageIds: [ImageId] })).Images?.[0]?.State).toBe("available");
    await api.disableImageDeregistrationProtection({ ImageId });
  });

  test(`${name}: a snapshot goes only after its AMI`, async () => {
    const { Snapshots } = await api.describeSnapshots({ OwnerIds: ["self"], Filters: ours });
    const { SnapshotId } = Snapshots?.[0] ?? {};
    await refused(api.deleteSnapshot({ SnapshotId }), "InvalidSnapshot.InUse");
    await api.deregisterImage({ ImageId: image });
    await api.deleteSnapshot({ SnapshotId });
    await refused(api.describeSnapshots({ SnapshotIds: [SnapshotId ?? ""] }), "InvalidSnapshot.NotFound");
    await refused(api.describeImages({ ImageIds: [image] }), "InvalidAMIID.NotFound");
  });

  test(`${name}: TerminateInstances ends an instance, its volume and its hold on the group, and may be said twice`, async () => {
    await api.terminateInstances({ InstanceIds: [instance] });
    await until("terminated");
    await api.terminateInstances({ InstanceIds: [instance] });
    await refused(api.startInstances({ InstanceIds: [instance] }), "IncorrectInstanceState");
    expect((await api.describeVolumes({ Filters: ours })).Volumes).toEqual([]);
    await api.deleteSecurityGroup({ GroupId: group });
    await refused(api.describeSecurityGroups({ GroupIds: [group] }), "InvalidGroup.NotFound");
  });

  test(`${name}: DescribeInstanceTypes tells architectures, and names a type that is not there`, async () => {
    const { InstanceTypes } = await api.describeInstanceTypes({ InstanceTypes: [given.type] });
    expect(InstanceTypes?.[0]?.ProcessorInfo?.SupportedArchitectures).toContain("x86_64");
    await refused(api.describeInstanceTypes({ InstanceTypes: ["t9.huge" as "t3.micro"] }), "InvalidInstanceType");
  });
}

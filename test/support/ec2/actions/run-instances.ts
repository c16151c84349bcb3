import { createHash } from "node:crypto";
import type { GroupIdentifier, Reservation, RunInstancesCommandInput, Subnet } from "@aws-sdk/client-ec2";
import type { Call, Cloud } from "../cloud.ts";
import { boot, enqueue, state } from "../machines/instance-boot.ts";
import { ApiError } from "../protocol/api-error.ts";
import { ACCOUNT, makeId, type Region, type StoredImage, type StoredInstance } from "../state.ts";
import { assertMetadataKeys, specifiedTags } from "../tag-book.ts";
import { groupOf } from "./groups.ts";
import { visibleImage } from "./images.ts";
import { instanceType } from "./instance-types.ts";
import { describeInstance } from "./instances.ts";
import { templateOf, versionOf } from "./launch-templates.ts";

/** Of what is asked for here; the rest is recorded and has no effect, such as volumes and the market. */
type Input = RunInstancesCommandInput;

interface Wanted {
  readonly image: StoredImage;
  readonly subnet: Subnet;
  readonly groups: readonly GroupIdentifier[];
  readonly publicAddress: boolean;
}

const TAGGED = ["instance", "volume", "network-interface", "spot-instances-request"];

/** The same client token again gives the same instances, as long as it asks for the same ("Ensuring idempotency"). */
export async function RunInstances({ cloud, region, input: given, commit }: Call<Input>): Promise<Reservation> {
  const input = withTemplate(region, given);
  const asked = createHash("sha256").update(JSON.stringify(input)).digest("hex");
  const before = input.ClientToken === undefined ? undefined : region.launches.get(input.ClientToken);
  if (before && before.asked !== asked)
    throw new ApiError(
      "IdempotentParameterMismatch",
      "Arguments on this idempotent request are inconsistent with arguments used in previous request(s).",
    );
  if (before) return reservation(region, before.id, before.ids);
  const wanted = check(region, input);
  const tags = specifiedTags(input.TagSpecifications, TAGGED);
  if (tags["spot-instances-request"] && !isSpot(input))
    throw new ApiError(
      "InvalidParameterCombination",
      "You cannot specify tags for Spot instances requests if there are no Spot instances requests being created by the request.",
    );
  if (input.MetadataOptions?.InstanceMetadataTags === "enabled") assertMetadataKeys(tags.instance ?? []);
  commit();
  const id = makeId("r");
  const ids: string[] = [];
  for (let made = 0; made < (input.MaxCount ?? 1); made += 1) {
    const instance = await make(cloud, region, input, wanted, made);
    ids.push(instance.id);
    region.tags.add(instance.id, tags.instance ?? []);
    for (const { Ebs } of instance.api.BlockDeviceMappings ?? [])
      region.tags.add(Ebs?.VolumeId ?? "", tags.volume ?? []);
    region.instances.set(instance.id, instance);
    enqueue(instance, () => boot(cloud, region, instance));
  }
  if (input.ClientToken !== undefined) region.launches.set(input.ClientToken, { asked, ids, id });
  return reservation(region, id, ids);
}

/** What a launch template says counts where the request says nothing of it. */
function withTemplate(region: Region, { LaunchTemplate: named, ...input }: Input): Input {
  if (!named) return input;
  const { LaunchTemplateId, LaunchTemplateName, Version } = named;
  const template = templateOf(region, { LaunchTemplateId, LaunchTemplateName });
  const version = versionOf(template, Version);
  return { ...(version.LaunchTemplateData as Partial<Input>), ...input };
}

const isSpot = ({ InstanceMarketOptions }: Input): boolean => InstanceMarketOptions?.MarketType === "spot";

const reservation = (region: Region, id: string, ids: readonly string[]): Reservation => ({
  ReservationId: id,
  OwnerId: ACCOUNT,
  Groups: [],
  Instances: ids.flatMap((each) => region.instances.get(each) ?? []).map((each) => describeInstance(region, each)),
});

function check(region: Region, input: Input): Wanted {
  const image = visibleImage(region, input.ImageId);
  if (image.api.State !== "available")
    throw new ApiError("InvalidAMIID.Unavailable", `The image ID '${input.ImageId}' is not available`);
  assertType(input, image);
  if ((input.MinCount ?? 0) < 1 || (input.MaxCount ?? 0) < (input.MinCount ?? 0))
    throw new ApiError("InvalidParameterValue", "Value for parameter minCount or maxCount is invalid");
  if (input.KeyName !== undefined && ![...region.keys.values()].some(({ KeyName }) => KeyName === input.KeyName))
    throw new ApiError("InvalidKeyPair.NotFound", `The key pair '${input.KeyName}' does not exist`);
  if (Buffer.from(input.UserData ?? "", "base64").length > 16_384)
    throw new ApiError("InvalidParameterValue", "User data is limited to 16384 bytes");
  const behaviour = input.InstanceInitiatedShutdownBehavior ?? "stop";
  if (behaviour !== "stop" && behaviour !== "terminate")
    throw new ApiError(
      "InvalidParameterValue",
      `Value (${behaviour}) for parameter instanceInitiatedShutdownBehavior is invalid.`,
    );
  for (const { DeviceName, Ebs } of input.BlockDeviceMappings ?? [])
    if (DeviceName === image.api.RootDeviceName && Ebs?.VolumeSize !== undefined && Ebs.VolumeSize < sizeOf(image))
      throw new ApiError(
        "InvalidBlockDeviceMapping",
        `Volume of size ${Ebs.VolumeSize}GB is smaller than snapshot '${rootOf(image)?.SnapshotId}', expect size >= ${sizeOf(image)}GB`,
      );
  return { image, ...place(region, input) };
}

function assertType(input: Input, image: StoredImage): void {
  const type = instanceType(input.InstanceType ?? "t2.micro");
  if (!type) throw new ApiError("InvalidParameterValue", `Invalid value '${input.InstanceType}' for InstanceType.`);
  const [arch] = type.ProcessorInfo?.SupportedArchitectures ?? [];
  if (arch !== image.api.Architecture)
    throw new ApiError(
      "InvalidParameterValue",
      `The architecture '${arch}' of the specified instance type does not match the architecture '${image.api.Architecture}' of the specified AMI. Specify an instance type and an AMI that have matching architectures, and try again.`,
    );
}

function place(region: Region, input: Input): Omit<Wanted, "image"> {
  const [card] = input.NetworkInterfaces ?? [];
  if (card && (input.SubnetId !== undefined || input.SecurityGroupIds?.length))
    throw new ApiError(
      "InvalidParameterCombination",
      "Network interfaces and an instance-level subnet ID or security groups may not be specified on the same request",
    );
  const id = card ? card.SubnetId : input.SubnetId;
  const subnet = id ? region.subnets.get(id) : [...region.subnets.values()].find(({ DefaultForAz }) => DefaultForAz);
  if (!subnet) throw new ApiError("InvalidSubnetID.NotFound", `The subnet ID '${id}' does not exist`);
  const ids = (card ? card.Groups : input.SecurityGroupIds) ?? [];
  const groups = ids.length > 0 ? ids.map((each) => groupOf(region, each, undefined)) : [defaultGroup(region, subnet)];
  if (groups.some(({ VpcId }) => VpcId !== subnet.VpcId))
    throw new ApiError("InvalidParameter", `Security group ${ids} and subnet ${id} belong to different networks.`);
  return {
    subnet,
    groups: groups.map(({ GroupId, GroupName }) => ({ GroupId, GroupName })),
    publicAddress: card?.AssociatePublicIpAddress ?? subnet.MapPublicIpOnLaunch ?? false,
  };
}

const defaultGroup = (region: Region, { VpcId }: Subnet) =>
  [...region.groups.values()].find((group) => group.GroupName === "default" && group.VpcId === VpcId) ?? {};

const rootOf = ({ api }: StoredImage) =>
  api.BlockDeviceMappings?.find(({ DeviceName }) => DeviceName === api.RootDeviceName)?.Ebs;
const sizeOf = (image: StoredImage): number => rootOf(image)?.VolumeSize ?? 8;

async function make(
  cloud: Cloud,
  region: Region,
  input: Input,
  { image, subnet, groups, publicAddress }: Wanted,
  index: number,
): Promise<StoredInstance> {
  const id = makeId("i");
  const address = await cloud.room.addresses.take(subnet.MapPublicIpOnLaunch ? 0 : 16);
  const mapping = input.BlockDeviceMappings?.find(({ DeviceName }) => DeviceName === image.api.RootDeviceName)?.Ebs;
  const volume = makeId("vol");
  region.volumes.set(volume, {
    VolumeId: volume,
    Size: mapping?.VolumeSize ?? sizeOf(image),
    VolumeType: mapping?.VolumeType ?? "gp3",
    Encrypted: mapping?.Encrypted ?? false,
    KmsKeyId: mapping?.KmsKeyId,
    AvailabilityZone: subnet.AvailabilityZone,
    State: "in-use",
    SnapshotId: rootOf(image)?.SnapshotId,
    CreateTime: new Date(),
    Attachments: [{ InstanceId: id, VolumeId: volume, State: "attached", Device: image.api.RootDeviceName }],
  });
  const [card] = input.NetworkInterfaces ?? [];
  // Loopback has this one, so two instances with it cannot run at the same time.
  const ipv6 = (card?.Ipv6AddressCount ?? input.Ipv6AddressCount ?? 0) > 0 ? ["::1"] : [];
  const { HttpTokens, HttpPutResponseHopLimit, HttpEndpoint, InstanceMetadataTags } = input.MetadataOptions ?? {};
  const v2 = image.api.ImdsSupport === "v2.0";
  const api: StoredInstance["api"] = {
    InstanceId: id,
    ImageId: image.api.ImageId,
    State: state("pending"),
    PrivateDnsName: `ip-${address.replaceAll(".", "-")}.${region.name}.compute.internal`,
    PrivateIpAddress: address,
    PublicDnsName: "",
    StateTransitionReason: "",
    KeyName: input.KeyName,
    AmiLaunchIndex: index,
    InstanceType: input.InstanceType ?? "t2.micro",
    LaunchTime: new Date(),
    Placement: { AvailabilityZone: subnet.AvailabilityZone, Tenancy: "default" },
    Monitoring: { State: "disabled" },
    Ipv6Address: ipv6[0],
    SubnetId: subnet.SubnetId,
    VpcId: subnet.VpcId,
    Architecture: image.api.Architecture,
    RootDeviceType: "ebs",
    RootDeviceName: image.api.RootDeviceName,
    BlockDeviceMappings: [
      {
        DeviceName: image.api.RootDeviceName,
        Ebs: { VolumeId: volume, Status: "attached", DeleteOnTermination: mapping?.DeleteOnTermination ?? true },
      },
    ],
    VirtualizationType: "hvm",
    Hypervisor: "xen",
    EnaSupport: true,
    EbsOptimized: input.EbsOptimized ?? false,
    SourceDestCheck: true,
    SecurityGroups: [...groups],
    NetworkInterfaces: [
      {
        NetworkInterfaceId: makeId("eni"),
        SubnetId: subnet.SubnetId,
        VpcId: subnet.VpcId,
        MacAddress: `02:${[...Buffer.from(id.slice(-10), "hex")].map((byte) => byte.toString(16).padStart(2, "0")).join(":")}`,
        PrivateIpAddress: address,
        Ipv6Addresses: ipv6.map((Ipv6Address) => ({ Ipv6Address })),
        Groups: [...groups],
        Status: "in-use",
      },
    ],
    MetadataOptions: {
      State: "applied",
      HttpTokens: HttpTokens ?? (v2 ? "required" : "optional"),
      HttpPutResponseHopLimit: HttpPutResponseHopLimit ?? (v2 ? 2 : 1),
      HttpEndpoint: HttpEndpoint ?? "enabled",
      InstanceMetadataTags: InstanceMetadataTags ?? "disabled",
    },
    ClientToken: input.ClientToken,
    BootMode: image.api.BootMode,
    ...(isSpot(input) && { InstanceLifecycle: "spot" as const, SpotInstanceRequestId: makeId("sir") }),
  };
  return {
    id,
    api,
    request: input,
    image,
    machine: undefined,
    publicAddress,
    shutdown: input.InstanceInitiatedShutdownBehavior === "terminate" ? "terminate" : "stop",
    protected: input.DisableApiTermination ?? false,
    posted: "",
    work: Promise.resolve(),
    busy: false,
  };
}

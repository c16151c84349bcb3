import type { BlockDeviceMapping, RunInstancesCommandInput } from "@aws-sdk/client-ec2";
import { type Ec2Spec, resourceName } from "./ec2-spec.ts";
import { machineTags, tagging } from "./tags.ts";

export interface Attempt {
  readonly type: string;
  readonly subnet: string;
  readonly groups: readonly string[];
  /** Counts combinations of type and subnet: a client token stands for one set of parameters. */
  readonly round: number;
  readonly userData?: string;
}

/**
 * What RunInstances is asked for. A builder ends for good when it powers itself off, by its dead-man timer above all; a
 * smoke test begins without that, to prove that it does not come with the image.
 */
export function runRequest(spec: Ec2Spec, attempt: Attempt): RunInstancesCommandInput {
  const { ami, config, purpose, token } = spec;
  const { type, subnet, groups, round, userData } = attempt;
  const tags = machineTags(spec);
  const spot = isSpot(spec);
  const volume = rootVolume(spec);
  return {
    ImageId: ami.id,
    InstanceType: type as NonNullable<RunInstancesCommandInput["InstanceType"]>,
    MinCount: 1,
    MaxCount: 1,
    // A lost answer is asked for again with the same token, and launches nothing more ("Ensuring idempotency").
    ClientToken: `${token}-${round}`,
    KeyName: resourceName(spec),
    SubnetId: subnet,
    ...(groups.length > 0 ? { SecurityGroupIds: [...groups] } : {}),
    ...(config.address === "ipv6" ? { Ipv6AddressCount: 1 } : {}),
    MetadataOptions: {
      HttpEndpoint: "enabled",
      HttpTokens: config.imds ?? "required",
      HttpPutResponseHopLimit: 1,
      InstanceMetadataTags: "enabled",
    },
    ...(purpose === "build" ? { InstanceInitiatedShutdownBehavior: "terminate" as const } : {}),
    ...(config.profile === undefined
      ? {}
      : { IamInstanceProfile: config.profile.startsWith("arn:") ? { Arn: config.profile } : { Name: config.profile } }),
    ...(spot ? { InstanceMarketOptions: { MarketType: "spot" as const } } : {}),
    ...(volume ? { BlockDeviceMappings: [volume] } : {}),
    ...(userData === undefined ? {} : { UserData: Buffer.from(userData).toString("base64") }),
    TagSpecifications: tagging(tags, "instance", "volume", ...(spot ? (["spot-instances-request"] as const) : [])),
  };
}

/**
 * One-time spot instances cannot be stopped, and a builder has to be; what they do on shutdown is not theirs to say, and a
 * smoke test looks at that.
 */
export const isSpot = ({ config, purpose }: Pick<Ec2Spec, "config" | "purpose">): boolean =>
  config.spot === true && purpose === "run";

function rootVolume({ config, disk, ami }: Ec2Spec): BlockDeviceMapping | undefined {
  const { volume = {} } = config;
  const size = volume.size ?? disk;
  if (size === undefined && Object.keys(volume).length === 0) return undefined;
  return {
    DeviceName: ami.rootDevice,
    Ebs: {
      DeleteOnTermination: true,
      ...(size === undefined ? {} : { VolumeSize: Math.ceil(size / 1024 ** 3) }),
      ...(volume.type === undefined ? {} : { VolumeType: volume.type as "gp3" }),
      ...(volume.iops === undefined ? {} : { Iops: volume.iops }),
      ...(volume.throughput === undefined ? {} : { Throughput: volume.throughput }),
      ...(volume.encrypted === undefined && volume.kmsKey === undefined ? {} : { Encrypted: volume.encrypted ?? true }),
      ...(volume.kmsKey === undefined ? {} : { KmsKeyId: volume.kmsKey }),
    },
  };
}

import { readFile } from "node:fs/promises";
import type { EC2, Instance } from "@aws-sdk/client-ec2";
import { throwIfAborted } from "../../session/abort.ts";
import { makeSshKey, writeSshKey } from "../../session/ssh-key.ts";
import { writeJson } from "../machine-folder.ts";
import { awsCode } from "./ec2-errors.ts";
import { type Ec2Files, type Ec2Instance, type Ec2Spec, resourceName } from "./ec2-spec.ts";
import { runRequest } from "./run-request.ts";
import { machineTags, tagging } from "./tags.ts";
import { waitFor } from "./wait.ts";

/** How long EC2 may take to know everywhere what it has just made, in milliseconds. */
const SETTLES_WITHIN = 120_000;
/** No such type in this zone: another subnet may have it. */
const ELSEWHERE =
  /^(InsufficientInstanceCapacity|Unsupported|InsufficientHostCapacity|InsufficientFreeAddressesInSubnet)$/;

/**
 * Makes key pair, group and instance. Calls that create are not interrupted in the middle: nobody would know what came of
 * them. What a lost answer left is found again by its name or token.
 *
 * @param every milliseconds between two tries.
 */
export async function createInstance(
  api: EC2,
  spec: Ec2Spec,
  files: Ec2Files,
  every: number,
  signal?: AbortSignal,
): Promise<Ec2Instance> {
  await makeKey(api, spec, files);
  throwIfAborted(signal);
  const group = spec.groups.length > 0 ? undefined : await makeGroup(api, spec, every);
  if (group !== undefined) await writeJson(files.instance, { group } satisfies Ec2Instance);
  const made = await runInstance(api, spec, files, group === undefined ? spec.groups : [group], every, signal);
  const instance: Ec2Instance = { ...(group === undefined ? {} : { group }), ...noted(made), launched: Date.now() };
  await writeJson(files.instance, instance);
  return instance;
}

/** What an instance's description tells that is worth keeping. */
export function noted(instance: Instance): Ec2Instance {
  const card = instance.NetworkInterfaces?.[0];
  const notes = {
    id: instance.InstanceId,
    type: instance.InstanceType,
    privateIp: instance.PrivateIpAddress,
    publicIp: instance.PublicIpAddress,
    ipv6: instance.Ipv6Address ?? card?.Ipv6Addresses?.[0]?.Ipv6Address,
    privateDns: instance.PrivateDnsName,
    publicDns: instance.PublicDnsName,
    mac: card?.MacAddress,
  };
  return Object.fromEntries(Object.entries(notes).filter(([, value]) => value !== undefined && value !== ""));
}

async function makeKey(api: EC2, spec: Ec2Spec, files: Ec2Files): Promise<void> {
  const key = makeSshKey(`desk key of ${spec.name}`);
  await writeSshKey(files.userKey, key);
  try {
    await api.importKeyPair({
      KeyName: resourceName(spec),
      PublicKeyMaterial: Buffer.from(key.public),
      TagSpecifications: tagging(machineTags(spec), "key-pair"),
    });
  } catch (error) {
    // The name is random, so this is what a try made whose answer was lost.
    if (awsCode(error) !== "InvalidKeyPair.Duplicate") throw error;
  }
}

async function makeGroup(api: EC2, spec: Ec2Spec, every: number): Promise<string> {
  const GroupName = resourceName(spec);
  const id = await createGroup(api, spec, GroupName);
  const IpPermissions = [
    {
      IpProtocol: "tcp",
      FromPort: 22,
      ToPort: 22,
      IpRanges: spec.openTo.filter((range) => !range.includes(":")).map((CidrIp) => ({ CidrIp })),
      Ipv6Ranges: spec.openTo.filter((range) => range.includes(":")).map((CidrIpv6) => ({ CidrIpv6 })),
    },
  ];
  return waitFor(
    async () => {
      try {
        await api.authorizeSecurityGroupIngress({ GroupId: id, IpPermissions });
      } catch (error) {
        if (awsCode(error) !== "InvalidPermission.Duplicate") throw error;
      }
      return id;
    },
    { ...settling(every), passing: /^InvalidGroup(Id)?\.NotFound$/ },
  );
}

async function createGroup(api: EC2, spec: Ec2Spec, GroupName: string): Promise<string> {
  try {
    const { GroupId } = await api.createSecurityGroup({
      GroupName,
      Description: `Bootlace: SSH to ${spec.name} of ${spec.project}`,
      VpcId: spec.vpc,
      TagSpecifications: tagging(machineTags(spec), "security-group"),
    });
    if (GroupId !== undefined) return GroupId;
    throw new Error("CreateSecurityGroup answered no id");
  } catch (error) {
    if (awsCode(error) !== "InvalidGroup.Duplicate") throw error;
    const { SecurityGroups = [] } = await api.describeSecurityGroups({
      Filters: [
        { Name: "group-name", Values: [GroupName] },
        { Name: "vpc-id", Values: [spec.vpc] },
      ],
    });
    const [found] = SecurityGroups;
    if (found?.GroupId === undefined) throw error;
    return found.GroupId;
  }
}

async function runInstance(
  api: EC2,
  spec: Ec2Spec,
  files: Ec2Files,
  groups: readonly string[],
  every: number,
  signal: AbortSignal | undefined,
): Promise<Instance> {
  const userData = spec.config.hostKeys === "planted" ? await plantingUserData(files) : undefined;
  const tries = spec.types.flatMap((type) => spec.subnets.map((subnet) => ({ type, subnet })));
  let refused: unknown;
  for (const [round, { type, subnet }] of tries.entries()) {
    throwIfAborted(signal);
    const request = runRequest(spec, { type, subnet, groups, round, ...(userData === undefined ? {} : { userData }) });
    try {
      return await waitFor(async () => (await api.runInstances(request)).Instances?.[0], {
        ...settling(every),
        passing: /^(InvalidKeyPair|InvalidGroup|InvalidSecurityGroupID)\.NotFound$/,
      });
    } catch (error) {
      if (!ELSEWHERE.test(awsCode(error))) throw error;
      refused = error;
    }
  }
  throw refused;
}

/** User data for cloud-init ("SSH" module of its documentation), only where `hostKeys: planted` asks for it. JSON is YAML. */
async function plantingUserData(files: Ec2Files): Promise<string> {
  const key = makeSshKey("");
  await writeSshKey(files.hostKey, key);
  const ssh_keys = {
    ed25519_private: await readFile(files.hostKey, "utf8"),
    ed25519_public: key.public.trim(),
  };
  return `#cloud-config\n${JSON.stringify({ ssh_deletekeys: true, ssh_keys })}\n`;
}

const settling = (every: number) => ({
  within: SETTLES_WITHIN,
  every,
  late: (last: unknown) => (last instanceof Error ? last : new Error("EC2 gave no answer")),
});

import { isIP } from "node:net";
import type {
  AuthorizeSecurityGroupIngressRequest,
  AuthorizeSecurityGroupIngressResult,
  CreateSecurityGroupRequest,
  CreateSecurityGroupResult,
  DeleteSecurityGroupRequest,
  DeleteSecurityGroupResult,
  DescribeSecurityGroupsRequest,
  DescribeSecurityGroupsResult,
  IpPermission,
  SecurityGroup,
} from "@aws-sdk/client-ec2";
import type { Call } from "../cloud.ts";
import { openSsh } from "../machines/instance-boot.ts";
import { ApiError } from "../protocol/api-error.ts";
import { filtered, page } from "../protocol/filters.ts";
import { ACCOUNT, isAlive, makeId, type Region } from "../state.ts";
import { specifiedTags } from "../tag-book.ts";

export const groupActions = {
  CreateSecurityGroup({ region, input, commit }: Call<CreateSecurityGroupRequest>): CreateSecurityGroupResult {
    const { GroupName: name, Description, VpcId = [...region.vpcs.keys()][0] ?? "" } = input;
    if (!name || /^sg-/i.test(name) || name.length > 255)
      throw new ApiError("InvalidParameterValue", `Invalid value '${name}' for GroupName`);
    if (!Description) throw new ApiError("MissingParameter", "The request must contain the parameter GroupDescription");
    if (!/^[a-zA-Z0-9 ._:/()#,@[\]+=&;{}!$*-]{1,255}$/.test(Description))
      throw new ApiError("InvalidParameterValue", `Invalid characters in the description '${Description}'`);
    if (!region.vpcs.has(VpcId)) throw new ApiError("InvalidVpcID.NotFound", `The vpc ID '${VpcId}' does not exist`);
    const tags = specifiedTags(input.TagSpecifications, ["security-group"])["security-group"] ?? [];
    if ([...region.groups.values()].some((group) => group.GroupName === name && group.VpcId === VpcId))
      throw new ApiError("InvalidGroup.Duplicate", `The security group '${name}' already exists for VPC '${VpcId}'`);
    commit();
    const id = makeId("sg");
    region.groups.set(id, {
      GroupId: id,
      GroupName: name,
      Description,
      VpcId,
      OwnerId: ACCOUNT,
      IpPermissions: [],
      IpPermissionsEgress: [{ IpProtocol: "-1", IpRanges: [{ CidrIp: "0.0.0.0/0" }] }],
    });
    region.tags.add(id, tags);
    return { GroupId: id, Tags: region.tags.of(id) };
  },

  async AuthorizeSecurityGroupIngress({
    region,
    input,
    commit,
  }: Call<AuthorizeSecurityGroupIngressRequest>): Promise<AuthorizeSecurityGroupIngressResult> {
    const group = groupOf(region, input.GroupId, input.GroupName);
    const rules = input.IpPermissions ?? [simpleRule(input)];
    specifiedTags(input.TagSpecifications, ["security-group-rule"]);
    const before = new Set((group.IpPermissions ?? []).flatMap(rows));
    for (const rule of rules) assertRule(rule);
    for (const row of rules.flatMap(rows))
      if (before.has(row))
        throw new ApiError("InvalidPermission.Duplicate", `the specified rule "peer: ${row}, ALLOW" already exists`);
    commit();
    group.IpPermissions = [...(group.IpPermissions ?? []), ...rules];
    for (const instance of region.instances.values()) await openSsh(region, instance);
    return {
      Return: true,
      SecurityGroupRules: rules.flatMap(rows).map(() => ({
        SecurityGroupRuleId: makeId("sgr"),
        GroupId: group.GroupId,
        GroupOwnerId: ACCOUNT,
        IsEgress: false,
      })),
    };
  },

  DeleteSecurityGroup({ region, input, commit }: Call<DeleteSecurityGroupRequest>): DeleteSecurityGroupResult {
    const group = groupOf(region, input.GroupId, input.GroupName);
    const { GroupId: id = "", GroupName } = group;
    if (GroupName === "default")
      throw new ApiError("CannotDelete", `the specified group: "${id}" name: "default" cannot be deleted by a user`);
    const user = [...region.instances.values()].find(
      (instance) => isAlive(instance) && instance.api.SecurityGroups?.some(({ GroupId }) => GroupId === id),
    );
    if (user) throw new ApiError("DependencyViolation", `resource ${id} has a dependent object`);
    commit();
    region.groups.delete(id);
    region.tags.forget(id);
    return { Return: true, GroupId: id };
  },

  DescribeSecurityGroups({ region, input }: Call<DescribeSecurityGroupsRequest>): DescribeSecurityGroupsResult {
    const tags = ({ GroupId }: SecurityGroup) => region.tags.of(GroupId);
    const { GroupIds: ids, GroupNames: names } = input;
    const asked = ids?.map((id) => groupOf(region, id, undefined)) ?? names?.map((name) => groupOf(region, "", name));
    const found = filtered(
      asked ?? [...region.groups.values()],
      input.Filters,
      {
        "group-id": (group) => [group.GroupId],
        "group-name": (group) => [group.GroupName],
        "vpc-id": (group) => [group.VpcId],
        description: (group) => [group.Description],
        "owner-id": (group) => [group.OwnerId],
      },
      tags,
    );
    const { items, next } = page(found, input);
    return {
      SecurityGroups: items.map((group) => ({ ...group, Tags: tags(group) })),
      ...(next && { NextToken: next }),
    };
  },
};

/** @throws {ApiError} `InvalidGroup.NotFound`, `InvalidGroupId.Malformed`. */
export function groupOf(region: Region, id: string | undefined, name: string | undefined): SecurityGroup {
  if (id && !/^sg-[0-9a-f]{8,17}$/.test(id)) throw new ApiError("InvalidGroupId.Malformed", `Invalid id: "${id}"`);
  const found = [...region.groups.values()].find((group) => (id ? group.GroupId === id : group.GroupName === name));
  if (!found) throw new ApiError("InvalidGroup.NotFound", `The security group '${id || name}' does not exist`);
  return found;
}

function simpleRule(input: AuthorizeSecurityGroupIngressRequest): IpPermission {
  const { IpProtocol, FromPort, ToPort, CidrIp } = input;
  return { IpProtocol, FromPort, ToPort, IpRanges: [{ CidrIp }] };
}

const rows = ({ IpProtocol, FromPort, ToPort, IpRanges, Ipv6Ranges }: IpPermission): string[] =>
  [...(IpRanges ?? []).map(({ CidrIp }) => CidrIp), ...(Ipv6Ranges ?? []).map(({ CidrIpv6 }) => CidrIpv6)].map(
    (cidr) => `${cidr}, ${IpProtocol}, from port: ${FromPort}, to port: ${ToPort}`,
  );

function assertRule(rule: IpPermission): void {
  if (!rule.IpProtocol) throw new ApiError("MissingParameter", "The request must contain the parameter IpProtocol");
  if (rule.IpProtocol !== "-1" && (rule.FromPort === undefined || rule.ToPort === undefined))
    throw new ApiError("InvalidParameterValue", "Invalid value for portRange. Must specify both from and to ports.");
  const cidrs = [
    ...(rule.IpRanges ?? []).map(({ CidrIp }) => [CidrIp, 4, 32] as const),
    ...(rule.Ipv6Ranges ?? []).map(({ CidrIpv6 }) => [CidrIpv6, 6, 128] as const),
  ];
  if (cidrs.length === 0)
    throw new ApiError("InvalidParameterValue", "The request has no source: a CIDR block is expected");
  for (const [cidr = "", family, most] of cidrs) {
    const [address = "", bits = ""] = cidr.split("/");
    if (isIP(address) !== family || !/^\d+$/.test(bits) || Number(bits) > most)
      throw new ApiError("InvalidParameterValue", `CIDR block ${cidr} is malformed`);
  }
}

import type {
  DescribeAvailabilityZonesRequest,
  DescribeAvailabilityZonesResult,
  DescribeRegionsRequest,
  DescribeRegionsResult,
  DescribeSubnetsRequest,
  DescribeSubnetsResult,
  DescribeVpcsRequest,
  DescribeVpcsResult,
} from "@aws-sdk/client-ec2";
import type { Call } from "../cloud.ts";
import type { Addresses } from "../machines/addresses.ts";
import { ApiError } from "../protocol/api-error.ts";
import { filtered, page } from "../protocol/filters.ts";
import { ACCOUNT, makeId, type Region } from "../state.ts";

/** Gives a region its default VPC: a public subnet, a private one, and the default security group. */
export function makeNetwork(region: Region, addresses: Addresses): void {
  const vpc = makeId("vpc");
  region.vpcs.set(vpc, {
    VpcId: vpc,
    CidrBlock: `127.${addresses.block}.0.0/16`,
    IsDefault: true,
    State: "available",
    OwnerId: ACCOUNT,
    InstanceTenancy: "default",
  });
  for (const [name, zone, third] of [
    ["public", "a", 0],
    ["private", "b", 16],
  ] as const) {
    const id = makeId("subnet");
    region.subnets.set(id, {
      SubnetId: id,
      VpcId: vpc,
      CidrBlock: addresses.cidr(third),
      AvailabilityZone: `${region.name}${zone}`,
      State: "available",
      MapPublicIpOnLaunch: name === "public",
      DefaultForAz: name === "public",
      AvailableIpAddressCount: 4091,
      OwnerId: ACCOUNT,
    });
    region.tags.add(id, [{ Key: "Name", Value: name }]);
  }
  const group = makeId("sg");
  region.groups.set(group, {
    GroupId: group,
    GroupName: "default",
    Description: "default VPC security group",
    VpcId: vpc,
    OwnerId: ACCOUNT,
    IpPermissions: [],
    IpPermissionsEgress: [],
  });
}

/** Those with the ids, or all. @throws {ApiError} with the code for the first that is not there. */
export function named<T>(all: ReadonlyMap<string, T>, ids: readonly string[] | undefined, missing: MissingId): T[] {
  return (
    ids?.map((id) => {
      const found = all.get(id);
      if (found === undefined) throw new ApiError(missing.code, missing.message(id));
      return found;
    }) ?? [...all.values()]
  );
}

export interface MissingId {
  readonly code: string;
  readonly message: (id: string) => string;
}

const NO_SUBNET: MissingId = {
  code: "InvalidSubnetID.NotFound",
  message: (id) => `The subnet ID '${id}' does not exist`,
};
const NO_VPC: MissingId = { code: "InvalidVpcID.NotFound", message: (id) => `The vpc ID '${id}' does not exist` };

export const networkActions = {
  DescribeVpcs({ region, input }: Call<DescribeVpcsRequest>): DescribeVpcsResult {
    const tags = ({ VpcId }: { VpcId?: string | undefined }) => region.tags.of(VpcId);
    const found = filtered(
      named(region.vpcs, input.VpcIds, NO_VPC),
      input.Filters,
      {
        "vpc-id": (vpc) => [vpc.VpcId],
        "is-default": (vpc) => [vpc.IsDefault],
        isDefault: (vpc) => [vpc.IsDefault],
        cidr: (vpc) => [vpc.CidrBlock],
        state: (vpc) => [vpc.State],
        "owner-id": (vpc) => [vpc.OwnerId],
      },
      tags,
    );
    const { items, next } = page(found, input);
    return { Vpcs: items.map((vpc) => ({ ...vpc, Tags: tags(vpc) })), ...(next && { NextToken: next }) };
  },

  DescribeSubnets({ region, input }: Call<DescribeSubnetsRequest>): DescribeSubnetsResult {
    const tags = ({ SubnetId }: { SubnetId?: string | undefined }) => region.tags.of(SubnetId);
    const found = filtered(
      named(region.subnets, input.SubnetIds, NO_SUBNET),
      input.Filters,
      {
        "subnet-id": (subnet) => [subnet.SubnetId],
        "vpc-id": (subnet) => [subnet.VpcId],
        "availability-zone": (subnet) => [subnet.AvailabilityZone],
        "default-for-az": (subnet) => [subnet.DefaultForAz],
        "map-public-ip-on-launch": (subnet) => [subnet.MapPublicIpOnLaunch],
        state: (subnet) => [subnet.State],
        "cidr-block": (subnet) => [subnet.CidrBlock],
      },
      tags,
    );
    const { items, next } = page(found, input);
    return { Subnets: items.map((subnet) => ({ ...subnet, Tags: tags(subnet) })), ...(next && { NextToken: next }) };
  },

  DescribeRegions({ cloud, input }: Call<DescribeRegionsRequest>): DescribeRegionsResult {
    const found = named(cloud.regions, input.RegionNames, {
      code: "InvalidParameterValue",
      message: (name) => `Invalid region provided: ${name}`,
    });
    const rows = found.map(({ name }) => ({
      RegionName: name,
      Endpoint: `ec2.${name}.amazonaws.com`,
      OptInStatus: "opt-in-not-required" as const,
    }));
    return {
      Regions: filtered(rows, input.Filters, {
        "region-name": (row) => [row.RegionName],
        "opt-in-status": (row) => [row.OptInStatus],
      }),
    };
  },

  DescribeAvailabilityZones({
    region,
    input,
  }: Call<DescribeAvailabilityZonesRequest>): DescribeAvailabilityZonesResult {
    const zones = ["a", "b"].map((letter) => ({
      ZoneName: `${region.name}${letter}`,
      RegionName: region.name,
      State: "available" as const,
    }));
    return {
      AvailabilityZones: filtered(zones, input.Filters, {
        "zone-name": (zone) => [zone.ZoneName],
        state: (zone) => [zone.State],
      }),
    };
  },
};

import type {
  DescribeInstanceStatusRequest,
  DescribeInstanceStatusResult,
  DescribeInstancesRequest,
  DescribeInstancesResult,
  DescribeVolumesRequest,
  DescribeVolumesResult,
  Instance,
} from "@aws-sdk/client-ec2";
import type { Call } from "../cloud.ts";
import { state } from "../machines/instance-boot.ts";
import { ApiError } from "../protocol/api-error.ts";
import { type Fields, filtered, page } from "../protocol/filters.ts";
import { ACCOUNT, type Region, type StoredInstance } from "../state.ts";
import { named } from "./network.ts";

export const describeInstance = (region: Region, { api, id }: StoredInstance): Instance => ({
  ...api,
  Tags: region.tags.of(id),
});

const FIELDS: Fields<StoredInstance> = {
  "instance-id": ({ id }) => [id],
  "instance-state-name": ({ api }) => [api.State?.Name],
  "instance-state-code": ({ api }) => [api.State?.Code],
  "instance-type": ({ api }) => [api.InstanceType],
  "instance-lifecycle": ({ api }) => [api.InstanceLifecycle],
  "image-id": ({ api }) => [api.ImageId],
  "client-token": ({ api }) => [api.ClientToken],
  "key-name": ({ api }) => [api.KeyName],
  "subnet-id": ({ api }) => [api.SubnetId],
  "vpc-id": ({ api }) => [api.VpcId],
  architecture: ({ api }) => [api.Architecture],
  "instance.group-id": ({ api }) => (api.SecurityGroups ?? []).map(({ GroupId }) => GroupId),
  "instance.group-name": ({ api }) => (api.SecurityGroups ?? []).map(({ GroupName }) => GroupName),
  "private-ip-address": ({ api }) => [api.PrivateIpAddress],
  "ip-address": ({ api }) => [api.PublicIpAddress],
  "availability-zone": ({ api }) => [api.Placement?.AvailabilityZone],
};

/** @throws {ApiError} `InvalidInstanceID.NotFound`, `InvalidInstanceID.Malformed`. */
export function instancesOf(region: Region, ids: readonly string[] | undefined): StoredInstance[] {
  for (const id of ids ?? [])
    if (!/^i-([0-9a-f]{8}|[0-9a-f]{17})$/.test(id))
      throw new ApiError("InvalidInstanceID.Malformed", `Invalid id: "${id}"`);
  return named(region.instances, ids, {
    code: "InvalidInstanceID.NotFound",
    message: (id) => `The instance ID '${id}' does not exist`,
  });
}

/** @throws {ApiError} as {@link instancesOf}, and where none is named. */
export function instanceOf(region: Region, id: string | undefined): StoredInstance {
  const [found] = instancesOf(region, [id ?? ""]);
  if (!found) throw new ApiError("MissingParameter", "The request must contain the parameter InstanceId");
  return found;
}

export const instanceActions = {
  DescribeInstances({ region, input, fault }: Call<DescribeInstancesRequest>): DescribeInstancesResult {
    const found = filtered(instancesOf(region, input.InstanceIds), input.Filters, FIELDS, ({ id }) =>
      region.tags.of(id),
    );
    const { items, next } = page(found, input);
    return {
      Reservations: items.map((instance) => ({
        ReservationId: `r-${instance.id.slice(2)}`,
        OwnerId: ACCOUNT,
        Groups: [],
        Instances: [slow(describeInstance(region, instance), fault?.kind === "pending")],
      })),
      ...(next && { NextToken: next }),
    };
  },

  DescribeInstanceStatus({ region, input }: Call<DescribeInstanceStatusRequest>): DescribeInstanceStatusResult {
    const all = instancesOf(region, input.InstanceIds).filter(
      ({ api }) => input.IncludeAllInstances || api.State?.Name === "running",
    );
    const found = filtered(all, input.Filters, FIELDS);
    const { items, next } = page(found, input);
    return {
      InstanceStatuses: items.map(({ id, api }) => {
        const status = api.State?.Name === "running" ? ("ok" as const) : ("not-applicable" as const);
        return {
          InstanceId: id,
          AvailabilityZone: api.Placement?.AvailabilityZone,
          InstanceState: api.State,
          InstanceStatus: { Status: status },
          SystemStatus: { Status: status },
        };
      }),
      ...(next && { NextToken: next }),
    };
  },

  DescribeVolumes({ region, input }: Call<DescribeVolumesRequest>): DescribeVolumesResult {
    const all = named(region.volumes, input.VolumeIds, {
      code: "InvalidVolume.NotFound",
      message: (id) => `The volume '${id}' does not exist.`,
    });
    const tags = ({ VolumeId }: { VolumeId?: string | undefined }) => region.tags.of(VolumeId);
    const found = filtered(
      all,
      input.Filters,
      {
        "volume-id": (volume) => [volume.VolumeId],
        status: (volume) => [volume.State],
        encrypted: (volume) => [volume.Encrypted],
        "attachment.instance-id": (volume) => (volume.Attachments ?? []).map(({ InstanceId }) => InstanceId),
      },
      tags,
    );
    const { items, next } = page(found, input);
    return { Volumes: items.map((volume) => ({ ...volume, Tags: tags(volume) })), ...(next && { NextToken: next }) };
  },
};

/** As it looked a moment ago. */
function slow(instance: Instance, on: boolean): Instance {
  const name = instance.State?.Name;
  if (!on) return instance;
  if (name === "running") {
    const { PublicIpAddress: _address, ...rest } = instance;
    return { ...rest, PublicDnsName: "", State: state("pending") };
  }
  if (name === "stopped") return { ...instance, State: state("stopping") };
  return name === "terminated" ? { ...instance, State: state("shutting-down") } : instance;
}

import type {
  CreateTagsRequest,
  DeleteTagsRequest,
  DescribeTagsRequest,
  DescribeTagsResult,
  ResourceType,
} from "@aws-sdk/client-ec2";
import type { Call } from "../cloud.ts";
import { ApiError } from "../protocol/api-error.ts";
import { filtered, page } from "../protocol/filters.ts";
import type { Region } from "../state.ts";
import { assertMetadataKeys } from "../tag-book.ts";
import { instancesOf } from "./instances.ts";

/** By the beginning of an id: the kind's name, where the region keeps it, and the error of one that is not there. */
const KINDS: Readonly<
  Record<
    string,
    {
      readonly type: ResourceType;
      readonly all: (region: Region) => ReadonlyMap<string, unknown>;
      readonly missing: string;
    }
  >
> = {
  i: { type: "instance", all: (region) => region.instances, missing: "InvalidInstanceID.NotFound" },
  ami: { type: "image", all: (region) => region.images, missing: "InvalidAMIID.NotFound" },
  snap: { type: "snapshot", all: (region) => region.snapshots, missing: "InvalidSnapshot.NotFound" },
  vol: { type: "volume", all: (region) => region.volumes, missing: "InvalidVolume.NotFound" },
  sg: { type: "security-group", all: (region) => region.groups, missing: "InvalidGroup.NotFound" },
  key: { type: "key-pair", all: (region) => region.keys, missing: "InvalidKeyPair.NotFound" },
  subnet: { type: "subnet", all: (region) => region.subnets, missing: "InvalidSubnetID.NotFound" },
  lt: {
    type: "launch-template",
    all: (region) => region.templates,
    missing: "InvalidLaunchTemplateId.NotFound",
  },
  vpc: { type: "vpc", all: (region) => region.vpcs, missing: "InvalidVpcID.NotFound" },
};

const kindOf = (id: string) => KINDS[id.split("-")[0] ?? ""];

function assertThere(region: Region, ids: readonly string[] | undefined): readonly string[] {
  for (const id of ids ?? []) {
    const kind = kindOf(id);
    if (!kind) throw new ApiError("InvalidID", `The ID '${id}' is not valid`);
    if (kind.type === "instance") instancesOf(region, [id]);
    if (!kind.all(region).has(id)) throw new ApiError(kind.missing, `The ID '${id}' does not exist`);
  }
  return ids ?? [];
}

export const tagActions = {
  CreateTags({ region, input, commit }: Call<CreateTagsRequest>): Record<string, never> {
    const ids = assertThere(region, input.Resources);
    const tags = input.Tags ?? [];
    for (const id of ids)
      if (region.instances.get(id)?.api.MetadataOptions?.InstanceMetadataTags === "enabled") assertMetadataKeys(tags);
    commit();
    for (const id of ids) region.tags.add(id, tags);
    return {};
  },

  DeleteTags({ region, input, commit }: Call<DeleteTagsRequest>): Record<string, never> {
    const ids = assertThere(region, input.Resources);
    const { Tags } = input;
    commit();
    for (const id of ids) region.tags.remove(id, Tags);
    return {};
  },

  DescribeTags({ region, input }: Call<DescribeTagsRequest>): DescribeTagsResult {
    const rows = region.tags
      .ids()
      .flatMap((id) =>
        region.tags.of(id).map(({ Key, Value }) => ({ ResourceId: id, ResourceType: kindOf(id)?.type, Key, Value })),
      );
    const found = filtered(
      rows,
      input.Filters,
      {
        "resource-id": (row) => [row.ResourceId],
        "resource-type": (row) => [row.ResourceType],
        key: (row) => [row.Key],
        value: (row) => [row.Value],
      },
      (row) => [row],
    );
    const { items, next } = page(found, input);
    return { Tags: items, ...(next && { NextToken: next }) };
  },
};

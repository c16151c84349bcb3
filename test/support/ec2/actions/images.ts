import type {
  DeregisterImageRequest,
  DeregisterImageResult,
  DescribeImagesRequest,
  DescribeImagesResult,
  Image,
} from "@aws-sdk/client-ec2";
import type { Call } from "../cloud.ts";
import { ApiError } from "../protocol/api-error.ts";
import { type Fields, filtered, page } from "../protocol/filters.ts";
import { ACCOUNT, AMAZON, type Region, type StoredImage } from "../state.ts";

/** An AMI that the account may use. @throws {ApiError} `InvalidAMIID.Malformed`, `InvalidAMIID.NotFound`. */
export function visibleImage(region: Region, id: string | undefined): StoredImage {
  if (!/^ami-([0-9a-f]{8}|[0-9a-f]{17})$/.test(id ?? ""))
    throw new ApiError("InvalidAMIID.Malformed", `Invalid id: "${id}" (expecting "ami-...")`);
  const found = region.images.get(id ?? "");
  if (!found || !(found.api.Public || found.api.OwnerId === ACCOUNT || found.sharedWith.has(ACCOUNT)))
    throw new ApiError("InvalidAMIID.NotFound", `The image id '[${id}]' does not exist`);
  return found;
}

/** An AMI of the account itself. @throws {ApiError} also `AuthFailure`, for somebody else's. */
export function ownImage(region: Region, id: string | undefined): StoredImage {
  const found = visibleImage(region, id);
  if (found.api.OwnerId !== ACCOUNT) throw new ApiError("AuthFailure", `Not authorized for image:${id}`, 403);
  return found;
}

const FIELDS: Fields<StoredImage> = {
  "image-id": ({ api }) => [api.ImageId],
  name: ({ api }) => [api.Name],
  description: ({ api }) => [api.Description],
  state: ({ api }) => [api.State],
  architecture: ({ api }) => [api.Architecture],
  "owner-id": ({ api }) => [api.OwnerId],
  "owner-alias": ({ api }) => [api.ImageOwnerAlias],
  "is-public": ({ api }) => [api.Public],
  "creation-date": ({ api }) => [api.CreationDate],
  "root-device-type": ({ api }) => [api.RootDeviceType],
  "root-device-name": ({ api }) => [api.RootDeviceName],
  "virtualization-type": ({ api }) => [api.VirtualizationType],
  "image-type": ({ api }) => [api.ImageType],
  "ena-support": ({ api }) => [api.EnaSupport],
  hypervisor: ({ api }) => [api.Hypervisor],
  "source-instance-id": ({ api }) => [api.SourceInstanceId],
  "block-device-mapping.snapshot-id": ({ api }) => snapshotsOf(api),
};

export const snapshotsOf = ({ BlockDeviceMappings }: Image): string[] =>
  (BlockDeviceMappings ?? []).flatMap(({ Ebs }) => Ebs?.SnapshotId ?? []);

export const imageActions = {
  DescribeImages({ region, input, fault }: Call<DescribeImagesRequest>): DescribeImagesResult {
    const asked = input.ImageIds?.map((id) => visibleImage(region, id));
    const { Owners: owners, ExecutableUsers: users, IncludeDeprecated } = input;
    const all = (asked ?? [...region.images.values()]).filter((image) => {
      const { api, sharedWith } = image;
      const mine = api.OwnerId === ACCOUNT;
      if (!(api.Public || mine || sharedWith.has(ACCOUNT))) return false;
      // Others do not see what is deprecated unless they ask for it.
      if (!mine && !IncludeDeprecated && api.DeprecationTime && Date.parse(api.DeprecationTime) < Date.now())
        return false;
      if (
        users &&
        !users.some((user) => (user === "all" ? api.Public : sharedWith.has(user === "self" ? ACCOUNT : user)))
      )
        return false;
      return owners?.some((owner) => isOwner(api, owner)) ?? true;
    });
    const tags = ({ api }: StoredImage) => (api.OwnerId === ACCOUNT ? region.tags.of(api.ImageId) : []);
    const { items, next } = page(filtered(all, input.Filters, FIELDS, tags), input);
    return {
      Images: items.map((image) => ({
        ...image.api,
        Tags: tags(image),
        DeregistrationProtection: image.protection ? "enabled-without-cooldown" : "disabled",
        ...(fault?.kind === "pending" && image.api.State === "available" && { State: "pending" as const }),
      })),
      ...(next && { NextToken: next }),
    };
  },

  DeregisterImage({ region, input, commit }: Call<DeregisterImageRequest>): DeregisterImageResult {
    const image = ownImage(region, input.ImageId);
    if (image.protection)
      throw new ApiError("OperationNotPermitted", `The image '${input.ImageId}' is protected from deregistration`);
    const { DeleteAssociatedSnapshots: withSnapshots } = input;
    commit();
    region.images.delete(image.api.ImageId);
    region.tags.forget(image.api.ImageId);
    if (!withSnapshots) return { Return: true };
    const DeleteSnapshotResults = snapshotsOf(image.api).map((id) => {
      const user = userOf(region, id);
      if (!user && region.snapshots.delete(id)) region.tags.forget(id);
      return { SnapshotId: id, ReturnCode: user ? ("skipped" as const) : ("success" as const) };
    });
    return { Return: true, DeleteSnapshotResults };
  },
};

/** The AMI that stands on a snapshot. */
export function userOf(region: Region, snapshot: string): string | undefined {
  return [...region.images.values()].find(({ api }) => snapshotsOf(api).includes(snapshot))?.api.ImageId;
}

function isOwner({ OwnerId, ImageOwnerAlias }: Image, owner: string): boolean {
  if (owner === "self") return OwnerId === ACCOUNT;
  if (owner === "amazon") return ImageOwnerAlias === "amazon" || OwnerId === AMAZON;
  return OwnerId === owner || ImageOwnerAlias === owner;
}

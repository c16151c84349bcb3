import type {
  CopyImageRequest,
  CopyImageResult,
  CreateImageRequest,
  CreateImageResult,
  Image,
  Tag,
} from "@aws-sdk/client-ec2";
import type { Layer } from "../../../../src/machine/machine.ts";
import type { Call, Cloud } from "../cloud.ts";
import { enqueue } from "../machines/instance-boot.ts";
import type { Fault } from "../misbehaviour.ts";
import { ApiError } from "../protocol/api-error.ts";
import { ACCOUNT, makeId, type Region, type StoredImage, type StoredInstance } from "../state.ts";
import { specifiedTags } from "../tag-book.ts";
import { snapshotsOf, visibleImage } from "./images.ts";
import { instanceOf } from "./instances.ts";

export const makeImageActions = {
  /** A running machine is stopped for it and started again. Its answer comes at once; the AMI is pending until it is captured. */
  CreateImage({ cloud, region, input, fault, commit }: Call<CreateImageRequest>): CreateImageResult {
    const instance = instanceOf(region, input.InstanceId);
    assertName(region, input.Name);
    const tags = specifiedTags(input.TagSpecifications, ["image", "snapshot"]);
    const was = instance.api.State?.Name;
    if (was !== "running" && was !== "stopped")
      throw new ApiError("IncorrectState", `The instance '${instance.id}' is not in a valid state for this operation.`);
    if (input.NoReboot && was === "running")
      throw new ApiError("UnsupportedOperation", "NoReboot of a running instance is not built into this endpoint");
    const { image: from } = instance;
    const [root] = [...region.volumes.values()].filter((volume) =>
      volume.Attachments?.some(({ InstanceId }) => InstanceId === instance.id),
    );
    commit();
    const image = pendingImage(
      region,
      {
        ...from.api,
        Name: input.Name,
        Description: input.Description ?? "",
        SourceInstanceId: instance.id,
        SourceImageId: from.api.ImageId,
        SourceImageRegion: region.name,
      },
      from,
      tags,
      { size: root?.Size ?? 8, encrypted: root?.Encrypted ?? false, kmsKey: root?.KmsKeyId },
    );
    enqueue(instance, () => finish(region, image, fault, () => capture(cloud, instance)));
    return { ImageId: image.api.ImageId };
  },

  /** Into the region that is asked, from the one that is named. */
  async CopyImage({ cloud, region, input, fault, commit }: Call<CopyImageRequest>): Promise<CopyImageResult> {
    const from = cloud.regions.get(input.SourceRegion ?? "");
    if (!from) throw new ApiError("InvalidParameterValue", `Invalid source region: ${input.SourceRegion}`);
    const source = visibleImage(from, input.SourceImageId);
    if (source.api.State !== "available")
      throw new ApiError("InvalidAMIID.Unavailable", `The image ID '${input.SourceImageId}' is not available`);
    assertName(region, input.Name);
    const tags = specifiedTags(input.TagSpecifications, ["image", "snapshot"]);
    const root = source.api.BlockDeviceMappings?.[0]?.Ebs;
    const { Encrypted, KmsKeyId, ClientToken, CopyImageTags } = input;
    if (KmsKeyId !== undefined && !Encrypted)
      throw new ApiError("InvalidParameterDependency", "KmsKeyId requires Encrypted to be true");
    const before = region.launches.get(`copy:${ClientToken}`);
    if (ClientToken !== undefined && before) return { ImageId: before.id };
    commit();
    const image = pendingImage(
      region,
      {
        ...source.api,
        Name: input.Name,
        Description: input.Description ?? "",
        SourceImageId: source.api.ImageId,
        SourceImageRegion: from.name,
      },
      source,
      { ...tags, ...(CopyImageTags && { image: [...from.tags.of(source.api.ImageId), ...(tags.image ?? [])] }) },
      {
        size: root?.VolumeSize ?? 8,
        encrypted: Encrypted ?? root?.Encrypted ?? false,
        kmsKey: KmsKeyId,
      },
    );
    const id = image.api.ImageId;
    if (ClientToken !== undefined) region.launches.set(`copy:${ClientToken}`, { asked: "", ids: [], id });
    await finish(region, image, fault, async () => source.layers);
    return { ImageId: id };
  },
};

interface Volume {
  readonly size: number;
  readonly encrypted: boolean;
  readonly kmsKey: string | undefined;
}

function pendingImage(
  region: Region,
  like: Image,
  { login, printsHostKeys }: StoredImage,
  tags: Readonly<Record<string, readonly Tag[]>>,
  { size, encrypted, kmsKey }: Volume,
): StoredImage {
  const id = makeId("ami");
  const snapshot = makeId("snap");
  region.snapshots.set(snapshot, {
    SnapshotId: snapshot,
    State: "pending",
    Progress: "0%",
    OwnerId: ACCOUNT,
    StartTime: new Date(),
    VolumeSize: size,
    Encrypted: encrypted,
    KmsKeyId: kmsKey,
    Description: `Created by CreateImage(${like.SourceInstanceId}) for ${id}`,
    sharedWith: new Set(),
  });
  const { DeprecationTime: _deprecation, ImageOwnerAlias: _alias, ImdsSupport, ...kept } = like;
  const api = {
    ...kept,
    ...(ImdsSupport !== undefined && { ImdsSupport }),
    ImageId: id,
    ImageLocation: `${ACCOUNT}/${like.Name}`,
    State: "pending" as const,
    OwnerId: ACCOUNT,
    Public: false,
    CreationDate: new Date().toISOString(),
    BlockDeviceMappings: [
      {
        DeviceName: like.RootDeviceName,
        Ebs: {
          SnapshotId: snapshot,
          VolumeSize: size,
          VolumeType: "gp3" as const,
          DeleteOnTermination: true,
          Encrypted: encrypted,
        },
      },
    ],
  };
  const image: StoredImage = { api, layers: [], login, printsHostKeys, sharedWith: new Set(), protection: false };
  region.images.set(id, image);
  region.tags.add(id, tags.image ?? []);
  region.tags.add(snapshot, tags.snapshot ?? []);
  return image;
}

async function finish(
  region: Region,
  image: StoredImage,
  fault: Fault | undefined,
  layers: () => Promise<readonly Layer[]>,
): Promise<void> {
  const snapshots = snapshotsOf(image.api).flatMap((id) => region.snapshots.get(id) ?? []);
  const settle = (state: "completed" | "error", message?: string) => {
    image.api.State = state === "completed" ? "available" : "failed";
    if (message !== undefined) image.api.StateReason = { Code: "Server.InternalError", Message: message };
    for (const snapshot of snapshots) {
      snapshot.State = state;
      if (state === "completed") snapshot.Progress = "100%";
    }
  };
  for (const snapshot of snapshots) snapshot.Progress = "41%";
  try {
    image.layers = await layers();
    if (fault?.kind === "fail") settle("error", fault.message ?? "Internal error creating the snapshot");
    else settle("completed");
  } catch (error) {
    settle("error", error instanceof Error ? error.message : String(error));
  }
}

async function capture(cloud: Cloud, instance: StoredInstance): Promise<readonly Layer[]> {
  const { machine } = instance;
  if (!machine) throw new Error(`${instance.id} has no machine any more`);
  const again = instance.api.State?.Name === "running";
  if (again) await machine.stop();
  try {
    return await cloud.room.capture(machine);
  } finally {
    if (again) await machine.start();
  }
}

function assertName(region: Region, name: string | undefined): void {
  if (!/^[A-Za-z0-9()[\] ./'@_-]{3,128}$/.test(name ?? ""))
    throw new ApiError(
      "InvalidAMIName.Malformed",
      `AMI names must be between 3 and 128 characters long, and may contain letters, numbers, '(', ')', '.', '-', '/' and '_'`,
    );
  const other = [...region.images.values()].find(({ api }) => api.Name === name && api.OwnerId === ACCOUNT);
  if (other)
    throw new ApiError("InvalidAMIName.Duplicate", `AMI name ${name} is already in use by AMI ${other.api.ImageId}`);
}

import type {
  DeleteSnapshotRequest,
  DescribeSnapshotsRequest,
  DescribeSnapshotsResult,
  ModifySnapshotAttributeRequest,
} from "@aws-sdk/client-ec2";
import type { Call } from "../cloud.ts";
import { ApiError } from "../protocol/api-error.ts";
import { filtered, page } from "../protocol/filters.ts";
import { ACCOUNT, type Region } from "../state.ts";
import { userOf } from "./images.ts";
import { named } from "./network.ts";

function snapshotsNamed(region: Region, ids: readonly string[] | undefined) {
  for (const id of ids ?? [])
    if (!/^snap-([0-9a-f]{8}|[0-9a-f]{17})$/.test(id))
      throw new ApiError("InvalidSnapshotID.Malformed", `Invalid id: "${id}"`);
  return named(region.snapshots, ids, {
    code: "InvalidSnapshot.NotFound",
    message: (id) => `The snapshot '${id}' does not exist.`,
  });
}

export const snapshotActions = {
  DescribeSnapshots({ region, input, fault }: Call<DescribeSnapshotsRequest>): DescribeSnapshotsResult {
    const { OwnerIds: owners } = input;
    const all = snapshotsNamed(region, input.SnapshotIds).filter(
      ({ OwnerId = "" }) => owners?.some((owner) => (owner === "self" ? ACCOUNT : owner) === OwnerId) ?? true,
    );
    const tags = ({ SnapshotId }: { SnapshotId?: string | undefined }) => region.tags.of(SnapshotId);
    const found = filtered(
      all,
      input.Filters,
      {
        "snapshot-id": (snapshot) => [snapshot.SnapshotId],
        status: (snapshot) => [snapshot.State],
        description: (snapshot) => [snapshot.Description],
        "owner-id": (snapshot) => [snapshot.OwnerId],
        "volume-size": (snapshot) => [snapshot.VolumeSize],
        encrypted: (snapshot) => [snapshot.Encrypted],
        progress: (snapshot) => [snapshot.Progress],
      },
      tags,
    );
    const { items, next } = page(found, input);
    return {
      Snapshots: items.map(({ sharedWith: _shared, ...snapshot }) => ({
        ...snapshot,
        Tags: tags(snapshot),
        ...(fault?.kind === "pending" && { State: "pending" as const, Progress: "41%" }),
      })),
      ...(next && { NextToken: next }),
    };
  },

  DeleteSnapshot({ region, input, commit }: Call<DeleteSnapshotRequest>): Record<string, never> {
    const { SnapshotId: id = "" } = input;
    snapshotsNamed(region, [id]);
    const user = userOf(region, id);
    if (user) throw new ApiError("InvalidSnapshot.InUse", `The snapshot ${id} is currently in use by ${user}`);
    commit();
    region.snapshots.delete(id);
    region.tags.forget(id);
    return {};
  },

  ModifySnapshotAttribute({ region, input, commit }: Call<ModifySnapshotAttributeRequest>): Record<string, never> {
    const [snapshot] = snapshotsNamed(region, [input.SnapshotId ?? ""]);
    const { CreateVolumePermission: change, OperationType, UserIds, GroupNames } = input;
    if (input.Attribute !== undefined && input.Attribute !== "createVolumePermission")
      throw new ApiError("InvalidParameterValue", `Value (${input.Attribute}) for parameter attribute is invalid.`);
    const listed = [...(UserIds ?? []), ...(GroupNames ?? [])];
    const names = (given: readonly { UserId?: string | undefined; Group?: string | undefined }[] | undefined) =>
      (given ?? []).map(({ UserId, Group }) => UserId ?? Group ?? "");
    commit();
    for (const who of [...names(change?.Add), ...(OperationType === "add" ? listed : [])])
      snapshot?.sharedWith.add(who);
    for (const who of [...names(change?.Remove), ...(OperationType === "remove" ? listed : [])])
      snapshot?.sharedWith.delete(who);
    return {};
  },
};

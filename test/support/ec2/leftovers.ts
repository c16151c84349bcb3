import { ACCOUNT, isAlive, type Region } from "./state.ts";

/** What a careful program has removed when it is done: instances, key pairs, security groups, AMIs, snapshots, volumes. */
export function leftoversOf(region: Region): readonly string[] {
  const instances = [...region.instances.values()].filter(isAlive);
  const groups = [...region.groups.values()].filter(({ GroupName }) => GroupName !== "default");
  const images = [...region.images.values()].filter(({ api }) => api.OwnerId === ACCOUNT);
  return [
    ...instances.map(({ id, api }) => `${id} ${api.State?.Name}`),
    ...[...region.volumes.keys()].map((id) => `${id} volume`),
    ...[...region.keys.values()].map(({ KeyPairId, KeyName }) => `${KeyPairId} ${KeyName}`),
    ...groups.map(({ GroupId, GroupName }) => `${GroupId} ${GroupName}`),
    ...images.map(({ api }) => `${api.ImageId} ${api.State} ${api.Name}`),
    ...[...region.snapshots.values()].map(({ SnapshotId, State }) => `${SnapshotId} ${State}`),
  ];
}

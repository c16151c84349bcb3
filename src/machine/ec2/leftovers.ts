import type { EC2, Filter, Tag } from "@aws-sdk/client-ec2";
import { keptOrigins } from "../../image/image-record.ts";
import { openRecords } from "../../image/records/open-records.ts";
import { loadProject } from "../../project/load-project.ts";
import type { BuildsHere, Leftover } from "../machine.ts";
import { copyTarget } from "./copy-ami.ts";
import { removeGroup } from "./dispose.ts";
import { ec2Client } from "./ec2-client.ts";
import { awaitState, isGone } from "./look.ts";
import { projectName } from "./plan-instance.ts";
import { orGone, removeAmi, removeSnapshot } from "./remove-ami.ts";
import { TAG, tagOf } from "./tags.ts";

/**
 * What builds of the project left in its regions: all that carries the tags of a build and has expired, or is of a build
 * that nobody will come back for. An AMI that was proven, or that stands in a record, is no leftover.
 *
 * @param now milliseconds since 1970.
 * @param every milliseconds between two looks while something is removed.
 */
export async function findLeftovers(
  dir: string,
  now: number,
  builds: BuildsHere,
  every: number,
): Promise<readonly Leftover[]> {
  const found: Leftover[] = [];
  const [project, kept] = await Promise.all([projectName(dir), recordedAmis(dir)]);
  for (const region of await regionsOf(dir))
    found.push(...(await inRegion(await ec2Client(region), { project, kept, now, builds, every })));
  return found;
}

interface Search {
  readonly project: string;
  readonly kept: ReadonlySet<string>;
  readonly now: number;
  readonly builds: BuildsHere;
  readonly every: number;
}

async function inRegion(api: EC2, search: Search): Promise<readonly Leftover[]> {
  const Filters: Filter[] = [{ Name: `tag:${TAG.project}`, Values: [search.project] }];
  const [instances, groups, keys, images, snapshots] = await Promise.all([
    api.describeInstances({ Filters }),
    api.describeSecurityGroups({ Filters }),
    api.describeKeyPairs({ Filters }),
    api.describeImages({ Owners: ["self"], Filters }),
    api.describeSnapshots({ OwnerIds: ["self"], Filters }),
  ]);
  const isLeft = (tags: readonly Tag[] | undefined) => isLeftover(tags, search);
  const told = (
    kind: string,
    id: string,
    tags: readonly Tag[] | undefined,
    remove: () => Promise<unknown>,
  ): Leftover => ({
    what: `${kind} ${id} of ${tagOf(tags, TAG.build)}`,
    remove: async () => void (await remove()),
  });
  const left: Leftover[] = [];
  for (const { InstanceId: id = "", Tags, State } of (instances.Reservations ?? []).flatMap(
    ({ Instances = [] }) => Instances,
  ))
    if (isLeft(Tags) && !isGone(State?.Name)) left.push(told("instance", id, Tags, () => end(api, id, search.every)));
  for (const { GroupId: id = "", Tags } of groups.SecurityGroups ?? [])
    if (isLeft(Tags)) left.push(told("security group", id, Tags, () => removeGroup(api, id, search.every)));
  for (const { KeyName: name = "", Tags } of keys.KeyPairs ?? [])
    if (isLeft(Tags)) left.push(told("key pair", name, Tags, () => api.deleteKeyPair({ KeyName: name })));
  for (const { ImageId: id = "", Tags } of images.Images ?? [])
    if (isLeft(Tags) && isUnproven(Tags) && !search.kept.has(id))
      left.push(told("AMI", id, Tags, () => removeAmi(api, id)));
  const inUse = new Set(
    (images.Images ?? []).flatMap(({ BlockDeviceMappings = [] }) =>
      BlockDeviceMappings.map(({ Ebs }) => Ebs?.SnapshotId),
    ),
  );
  for (const { SnapshotId: id = "", Tags } of snapshots.Snapshots ?? [])
    if (isLeft(Tags) && isUnproven(Tags) && !inUse.has(id))
      left.push(told("snapshot", id, Tags, () => removeSnapshot(api, id)));
  return left;
}

/** Whether a build made it, and it expired or the build is over. */
export function isLeftover(tags: readonly Tag[] | undefined, { now, builds }: Pick<Search, "now" | "builds">): boolean {
  const build = tagOf(tags, TAG.build);
  if (build === "") return false;
  const expires = Date.parse(tagOf(tags, TAG.expires));
  return builds.over.includes(build) || (expires <= now && !builds.living.includes(build));
}

const isUnproven = (tags: readonly Tag[] | undefined): boolean => tagOf(tags, TAG.state) === "building";

async function end(api: EC2, id: string, every: number): Promise<void> {
  await orGone(/^InvalidInstanceID\./, api.terminateInstances({ InstanceIds: [id] }));
  await awaitState(api, id, "terminated", { every });
}

/** Of images that are there to stay: one that is still building has nothing to keep, nor has one that is gone. */
async function recordedAmis(dir: string): Promise<ReadonlySet<string>> {
  const images = (await (await openRecords(dir)).all()).filter(({ state }) => state !== "building" && state !== "gone");
  const origins = images.flatMap(({ origin, copies }) => [origin, ...copies.map((copy) => copy.origin)]);
  return new Set(origins.flatMap(({ ami }) => (ami === undefined ? [] : [ami])));
}

/** Where the project's instances and images are; undefined: where the SDK looks by itself. */
async function regionsOf(dir: string): Promise<readonly (string | undefined)[]> {
  const config = await loadProject(dir).then(
    (loaded) => loaded.config,
    () => undefined,
  );
  const made = [...Object.values(config?.images ?? {}), ...Object.values(config?.machines ?? {})];
  const named = made.flatMap(({ ec2 }) => (ec2?.region === undefined ? [] : [ec2.region]));
  const copied = Object.values(config?.images ?? {}).flatMap(({ ec2 }) =>
    (ec2?.copies ?? []).map((copy) => copyTarget(copy).region),
  );
  const records = await (await openRecords(dir)).all();
  const images = records.flatMap(keptOrigins).flatMap(({ ami, region }) => (ami && region ? [region] : []));
  const regions = [...new Set([config?.region, ...named, ...copied, ...images])].filter(
    (region) => region !== undefined,
  );
  return regions.length > 0 ? regions : [undefined];
}

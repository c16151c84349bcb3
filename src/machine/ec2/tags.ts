import type { ResourceType, Tag, TagSpecification } from "@aws-sdk/client-ec2";
import type { PublishedImage } from "../machine.ts";
import type { Ec2Spec } from "./ec2-spec.ts";

/** Names of the tags that Bootlace gives and goes by. */
export const TAG = {
  project: "bootlace:project",
  /** The spec's token: finds what was made for one machine. */
  machine: "bootlace:machine",
  purpose: "bootlace:purpose",
  build: "bootlace:build",
  /** ISO 8601; afterwards anybody's gc may remove it. */
  expires: "bootlace:expires",
  image: "bootlace:image",
  /** Of AMIs and snapshots: building, good, quarantined. */
  state: "bootlace:state",
} as const;

/** Tags of everything that is made for a machine; those of the project's own choice first, so that they hide none of ours. */
export function machineTags(spec: Pick<Ec2Spec, "project" | "name" | "token" | "purpose" | "build" | "config">): Tag[] {
  const { project, name, token, purpose, build, config } = spec;
  return asTags({
    Name: `${project} ${name}`,
    ...config.tags,
    [TAG.project]: project,
    [TAG.machine]: token,
    [TAG.purpose]: purpose,
    ...buildTags(build),
  });
}

/** Of a copy until it can be used: as those of a build, so that `gc` finds what a dead desk left. @param expires milliseconds since 1970. */
export function copyTags(image: PublishedImage, region: string, expires: number): Tag[] {
  const { name, project, origin, hardware } = image;
  return asTags({
    Name: origin.name ?? name,
    ...hardware.ec2?.tags,
    [TAG.project]: project,
    [TAG.image]: name,
    [TAG.state]: "building",
    ...buildTags({ id: `copy of ${name} in ${region}`, expires }),
  });
}

/** Tags of a capture's AMI and snapshots: a build's until it was proven. */
export function imageTags(spec: Ec2Spec): Tag[] {
  const { project, token, build, config, image, imageName } = spec;
  return asTags({
    Name: imageName,
    ...config.tags,
    [TAG.project]: project,
    [TAG.machine]: token,
    [TAG.state]: "building",
    ...(image === undefined ? {} : { [TAG.image]: image }),
    ...buildTags(build),
  });
}

const buildTags = (build: Ec2Spec["build"]): Record<string, string> =>
  build ? { [TAG.build]: build.id, [TAG.expires]: new Date(build.expires).toISOString() } : {};

const asTags = (tags: Readonly<Record<string, string>>): Tag[] =>
  Object.entries(tags).map(([Key, Value]) => ({ Key, Value }));

/** The same tags for several kinds of resources, as calls that create take them. */
export const tagging = (tags: Tag[], ...kinds: readonly ResourceType[]): TagSpecification[] =>
  kinds.map((ResourceType) => ({ ResourceType, Tags: tags }));

/** The value of a tag; empty where there is none. */
export const tagOf = (tags: readonly Tag[] | undefined, key: string): string =>
  tags?.find(({ Key }) => Key === key)?.Value ?? "";

import { keptOrigins } from "../image/image-record.ts";
import { openRecords } from "../image/records/open-records.ts";
import { type HostAccess, hostMachine } from "../machine/host/host-machine.ts";
import { type FoundInstance, findInstances, GROUP_TAG, type InstanceChoice } from "../machine/providers.ts";
import type { ProjectConfig } from "../manifest/project-schema.ts";
import { type PlacedTarget, wantTheSame } from "./host-places.ts";

type Groups = ProjectConfig["groups"];
type Group = Groups[string];

/** What a word names at EC2; undefined for other words. */
export function instanceChoice(word: string): InstanceChoice | undefined {
  if (/^i-[0-9a-f]{8,17}$/.test(word)) return { kind: "id", id: word };
  if (word.startsWith("asg:")) return { kind: "asg", name: word.slice("asg:".length) };
  const [, key, value] = /^tag:([^=]+)=(.*)$/.exec(word) ?? [];
  return key === undefined || value === undefined ? undefined : { kind: "tag", key, value };
}

/** Of a group of bootlace.yaml that is an Auto Scaling group or a tag. */
export function groupChoice({ asg, tag }: Group): InstanceChoice | undefined {
  if (asg !== undefined) return { kind: "asg", name: asg };
  return tag === undefined ? undefined : instanceChoice(`tag:${tag}`);
}

export interface Fleet {
  readonly groups: Groups;
  readonly region: string | undefined;
  readonly access: HostAccess;
}

/**
 * Instances as hosts: reached by address, host keys by known_hosts. Login: the group's, that of the project's image, that
 * of a known AMI, else as ~/.ssh/config has it.
 *
 * @param asked the group that was named; without it each instance is of the groups that its tags fit.
 * @param clash makes the error of an instance whose groups want different things.
 * @throws {BootlaceError} `E_FLEET_EMPTY`.
 */
export async function instanceTargets(
  choice: InstanceChoice,
  { groups, region, access }: Fleet,
  asked: string | undefined,
  clash: (name: string, groups: readonly (string | undefined)[]) => Error,
): Promise<readonly PlacedTarget[]> {
  const settings = asked ?? Object.keys(groups).find((name) => sameChoice(groupChoice(groups[name] ?? {}), choice));
  const { ec2 } = settings === undefined ? {} : (groups[settings] ?? {});
  const found = await findInstances(choice, { region: ec2?.region ?? region, address: ec2?.address });
  const logins = await imageLogins(access.dir);
  return found.map((instance) => {
    const named = asked === undefined ? groupsOf(groups, instance) : [asked];
    const all = (named.length === 0 ? [undefined] : named).map((group) =>
      target(instance, group, group === undefined ? {} : (groups[group] ?? {}), logins, access),
    );
    const [first, ...others] = all as [PlacedTarget, ...PlacedTarget[]];
    for (const other of others) if (!wantTheSame(first, other)) throw clash(instance.id, [first.group, other.group]);
    return first;
  });
}

function target(
  { id, target: address, ami, login: known }: FoundInstance,
  group: string | undefined,
  { login: given, services, params }: Group,
  logins: ReadonlyMap<string, string>,
  access: HostAccess,
): PlacedTarget {
  const login = given ?? logins.get(ami) ?? known;
  return {
    name: id,
    machine: hostMachine({ target: address, name: id, ...(login && { login }) }, access),
    place: { key: id, user: login },
    ...(group !== undefined && { group }),
    ...(services && { services }),
    ...(params && { params }),
  };
}

const groupsOf = (groups: Groups, { tags }: FoundInstance): readonly string[] =>
  Object.keys(groups).filter((name) => {
    const choice = groupChoice(groups[name] ?? {});
    if (choice?.kind === "asg") return tags.get(GROUP_TAG) === choice.name;
    return choice?.kind === "tag" && tags.get(choice.key) === choice.value;
  });

const sameChoice = (one: InstanceChoice | undefined, other: InstanceChoice): boolean =>
  one !== undefined && JSON.stringify(one) === JSON.stringify(other);

/** Whom the project's own AMIs let in, by id. */
async function imageLogins(dir: string): Promise<ReadonlyMap<string, string>> {
  const images = await (await openRecords(dir)).all();
  return new Map(
    images.flatMap(keptOrigins).flatMap(({ ami, login }) => (ami && login ? [[ami, login] as const] : [])),
  );
}

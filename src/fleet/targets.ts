import { BootlaceError } from "../../stage2/index.ts";
import { didYouMean } from "../cli/did-you-mean.ts";
import { findMachine, lookUp } from "../machine/find-machine.ts";
import type { HostAccess } from "../machine/host/host-machine.ts";
import type { Machine } from "../machine/machine.ts";
import { machineNames } from "../machine/machine-folder.ts";
import { wantedOf } from "../machine/run/wanted-of.ts";
import type { ProjectConfig } from "../manifest/project-schema.ts";
import { HostPlaces, type PlacedTarget, wantTheSame } from "./host-places.ts";
import { groupChoice, instanceChoice, instanceTargets } from "./instance-targets.ts";

type Group = ProjectConfig["groups"][string];
type Config = Pick<ProjectConfig, "groups" | "machines"> & Partial<Pick<ProjectConfig, "images" | "region">>;

/** One machine that a command is for, and what bootlace.yaml says of it. */
export interface Target {
  /** As typed, or as it stands in its group. */
  readonly name: string;
  readonly machine: Machine;
  readonly group?: string;
  /** Roots that its group, or its own entry, names. */
  readonly services?: readonly string[];
  /** Laid over the project's. */
  readonly params?: NonNullable<Group["params"]>;
}

/** A machine of the project has no place: its name is its own. */
type Found = Target & Partial<Pick<PlacedTarget, "place">>;

/**
 * Finds out what the words on a command line name: `@group`, a machine of the project, a host that stands in a group,
 * `user@host`, `host:port`, instances of EC2 (`i-…`, `asg:NAME`, `tag:KEY=VALUE`). No machine is connected to. Each machine comes once, however
 * it is spelled.
 *
 * @throws {BootlaceError} `E_MACHINE_UNKNOWN` with the nearest name, `E_GROUP_UNKNOWN`, `E_FLEET_EMPTY` where no
 *   such instance runs, `E_USAGE` for a host that two groups want different things of.
 */
export async function findTargets(
  config: Config,
  words: readonly string[],
  access: HostAccess,
): Promise<readonly Target[]> {
  const found = new Map<string, Found>();
  const places = new HostPlaces(config.groups, access);
  for (const word of words)
    for (const target of await targetsOf(config, word, access, places)) {
      const key = target.place?.key ?? target.name;
      const twin = found.get(key);
      if (twin && !wantTheSame(twin, target)) throw twoGroups(target.name, [twin.group, target.group]);
      if (!twin) found.set(key, target);
    }
  return [...found.values()];
}

/** The one machine that a word names. @throws as `findTargets()` does; `E_USAGE` for a group. */
export async function findTarget(config: Config, word: string, access: HostAccess): Promise<Target> {
  if (word.startsWith("@"))
    throw new BootlaceError("E_USAGE", `Expected one machine or host, got the group ${word}`, {
      hint: "Groups go with apply, do and status.",
    });
  const places = new HostPlaces(config.groups, access);
  const [target, ...others] = await targetsOf(config, word, access, places);
  if (others.length > 0)
    throw new BootlaceError("E_USAGE", `Expected one machine or host, ${word} is ${others.length + 1} instances`, {
      hint: `Name one of them: ${[target, ...others].map((each) => each?.name).join(", ")}`,
    });
  return target as Target;
}

async function targetsOf(
  config: Config,
  word: string,
  access: HostAccess,
  places: HostPlaces,
): Promise<readonly Found[]> {
  const { groups, machines } = config;
  const fleet = { groups, region: config.region, access };
  const choice = instanceChoice(word);
  if (choice) return instanceTargets(choice, fleet, undefined, twoGroups);
  if (word.startsWith("tag:")) throw new BootlaceError("E_USAGE", `Expected tag:KEY=VALUE, "${word}" came`);
  if (word.startsWith("@")) {
    const name = word.slice(1);
    const group = groupNamed(groups, name);
    const instances = groupChoice(group);
    if (instances) return instanceTargets(instances, fleet, name, twoGroups);
    return places.ofGroup(name, groupHosts(group, name));
  }
  if (!/[@:]/.test(word)) {
    const machine = await lookUp(access.dir, word);
    if (machine) return [{ name: word, machine, ...wantedOf(config, word) }];
  }
  const [first, ...others] = await places.named(word);
  for (const other of others)
    if (first && !wantTheSame(first, other)) throw twoGroups(word, [first.group, other.group]);
  if (first) return [first];
  if (/[@:]/.test(word)) return [await places.alone(word)];
  const hosts = Object.values(groups).flatMap((group) => group.hosts ?? []);
  const near = didYouMean(word, [...(await machineNames(access.dir)), ...hosts]);
  if (near !== undefined && !(word in machines))
    throw new BootlaceError(
      "E_MACHINE_UNKNOWN",
      `Neither a machine that is up nor a host of a group is called ${word}`,
      {
        hint: `Did you mean "${near}"? A host that stands in no group is written user@host.`,
      },
    );
  return [{ name: word, machine: await findMachine(access.dir, word) }];
}

function groupNamed(groups: ProjectConfig["groups"], name: string): Group {
  const group = groups[name];
  if (group !== undefined) return group;
  const near = didYouMean(name, Object.keys(groups));
  const known = Object.keys(groups).map((one) => `@${one}`);
  throw new BootlaceError("E_GROUP_UNKNOWN", `bootlace.yaml has no group "${name}"`, {
    hint: near ? `Did you mean "@${near}"?` : `It has: ${known.join(", ") || "none; add one under `groups:`"}.`,
  });
}

function groupHosts({ hosts = [] }: Group, name: string): readonly string[] {
  if (hosts.length > 0) return hosts;
  throw new BootlaceError("E_USAGE", `The group ${name} has no hosts`, {
    hint: `List them in bootlace.yaml: groups: {${name}: {hosts: [user@host]}}`,
  });
}

function twoGroups(host: string, groups: readonly (string | undefined)[]): BootlaceError {
  const names = groups.map((name) => (name === undefined ? "no group" : `@${name}`)).join(" and ");
  return new BootlaceError(
    "E_USAGE",
    `${host} stands in ${names}, which want different services, parameters or logins`,
    {
      hint: "Name the group that is meant, or give both the same.",
    },
  );
}

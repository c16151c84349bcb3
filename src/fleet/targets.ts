import { BootlaceError } from "../../stage2/index.ts";
import { didYouMean } from "../cli/did-you-mean.ts";
import { findMachine, lookUp } from "../machine/find-machine.ts";
import { type HostAccess, hostMachine } from "../machine/host/host-machine.ts";
import type { Machine } from "../machine/machine.ts";
import { machineNames } from "../machine/machine-folder.ts";
import type { ProjectConfig } from "../manifest/project-schema.ts";

type Group = ProjectConfig["groups"][string];

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

/**
 * Finds out what the words on a command line name: `@group`, a machine of the project, a host that stands in a group,
 * `user@host`, `host:port`. Nothing is connected to. Each machine comes once.
 *
 * @throws {BootlaceError} `E_MACHINE_UNKNOWN` with the nearest name, `E_GROUP_UNKNOWN`, `E_PROVIDER_UNSUPPORTED` for what
 *   comes with EC2, `E_USAGE` for a host that two groups want different things of.
 */
export async function findTargets(
  config: Pick<ProjectConfig, "groups" | "machines">,
  words: readonly string[],
  access: HostAccess,
): Promise<readonly Target[]> {
  const found = new Map<string, Target>();
  for (const word of words)
    for (const target of await targetsOf(config, word, access)) {
      const twin = found.get(target.name);
      if (twin && !wantTheSame(twin, target)) throw twoGroups(target.name, [twin.group, target.group]);
      if (!twin) found.set(target.name, target);
    }
  return [...found.values()];
}

/** The one machine that a word names. @throws as `findTargets()` does; `E_USAGE` for a group. */
export async function findTarget(
  config: Pick<ProjectConfig, "groups" | "machines">,
  word: string,
  access: HostAccess,
): Promise<Target> {
  if (word.startsWith("@"))
    throw new BootlaceError("E_USAGE", `Expected one machine or host, got the group ${word}`, {
      hint: "Groups go with apply, do and status.",
    });
  return (await targetsOf(config, word, access))[0] as Target;
}

async function targetsOf(
  config: Pick<ProjectConfig, "groups" | "machines">,
  word: string,
  access: HostAccess,
): Promise<readonly Target[]> {
  const { groups, machines } = config;
  if (/^(?:i-[0-9a-f]+$|asg:|tag:)/.test(word))
    throw new BootlaceError("E_PROVIDER_UNSUPPORTED", `${word}: this version does not find machines of EC2`, {
      hint: "Name its address: user@host.",
    });
  if (word.startsWith("@")) {
    const name = word.slice(1);
    return groupHosts(groups, name).map((host) => asHost(host, name, groups[name], access));
  }
  if (!/[@:]/.test(word)) {
    const machine = await lookUp(access.dir, word);
    if (machine) {
      const { services, params } = machines[word] ?? {};
      return [{ name: word, machine, ...(services && { services }), ...(params && { params }) }];
    }
  }
  const of = Object.entries(groups).filter(([, group]) => group.hosts?.includes(word));
  const [first, ...others] = of.map(([name, group]) => asHost(word, name, group, access));
  for (const other of others)
    if (first && !wantTheSame(first, other)) throw twoGroups(word, [first.group, other.group]);
  if (first) return [first];
  if (/[@:]/.test(word)) return [{ name: word, machine: hostMachine({ target: word }, access) }];
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

function groupHosts(groups: ProjectConfig["groups"], name: string): readonly string[] {
  const group = groups[name];
  if (group === undefined) {
    const near = didYouMean(name, Object.keys(groups));
    const known = Object.keys(groups).map((one) => `@${one}`);
    throw new BootlaceError("E_GROUP_UNKNOWN", `bootlace.yaml has no group "${name}"`, {
      hint: near ? `Did you mean "@${near}"?` : `It has: ${known.join(", ") || "none; add one under `groups:`"}.`,
    });
  }
  if (group.hosts && group.hosts.length > 0) return group.hosts;
  const other = group.asg ? "an auto scaling group" : group.tag ? "a tag" : undefined;
  throw new BootlaceError(
    other ? "E_PROVIDER_UNSUPPORTED" : "E_USAGE",
    other
      ? `The group ${name} is ${other}: this version does not find machines of EC2`
      : `The group ${name} has no hosts`,
    { hint: `List them in bootlace.yaml: groups: {${name}: {hosts: [user@host]}}` },
  );
}

function asHost(host: string, name: string, group: Group | undefined, access: HostAccess): Target {
  const { login, services, params } = group ?? {};
  const machine = hostMachine({ target: host, ...(login && { login }) }, access);
  return { name: host, machine, group: name, ...(services && { services }), ...(params && { params }) };
}

const wantTheSame = (a: Target, b: Target): boolean =>
  JSON.stringify([a.services, a.params]) === JSON.stringify([b.services, b.params]);

function twoGroups(host: string, groups: readonly (string | undefined)[]): BootlaceError {
  const names = groups.map((name) => (name === undefined ? "no group" : `@${name}`)).join(" and ");
  return new BootlaceError("E_USAGE", `${host} stands in ${names}, which want different services or parameters`, {
    hint: "Name the group that is meant, or give both the same.",
  });
}

import { type HostAccess, type HostSpec, hostMachine } from "../machine/host/host-machine.ts";
import type { ProjectConfig } from "../manifest/project-schema.ts";
import { parseTarget } from "../session/parse-target.ts";
import { readSshSettings } from "../session/ssh-settings.ts";
import { inParallel } from "../store/in-parallel.ts";
import type { Target } from "./targets.ts";

type Groups = ProjectConfig["groups"];
type Group = Groups[string];

/** Where SSH leads to, whatever it is called: two spellings of one host have one key. */
interface Place {
  readonly key: string;
  readonly user: string | undefined;
}

/** A host, and where it is. */
export interface PlacedTarget extends Target {
  readonly place: Place;
}

/** How many `ssh -G` at a time. */
const AT_ONCE = 8;

/** Finds the hosts of groups by what the SSH configuration says of them, each asked once. */
export class HostPlaces {
  readonly #groups: Groups;
  readonly #access: HostAccess;
  readonly #known = new Map<string, Promise<Place>>();

  constructor(groups: Groups, access: HostAccess) {
    this.#groups = groups;
    this.#access = access;
  }

  /** Hosts of a group, each machine once. */
  async ofGroup(name: string, hosts: readonly string[]): Promise<readonly PlacedTarget[]> {
    const placed = await inParallel(AT_ONCE, hosts, (host) => this.#target(host, name));
    const once = new Map(placed.map((target) => [target.place.key, target] as const).reverse());
    return placed.filter((target) => once.get(target.place.key) === target);
  }

  /**
   * A host as each group has it that it stands in, by that spelling or another. The user is the one that is typed, else
   * the group's.
   */
  async named(word: string): Promise<readonly PlacedTarget[]> {
    const all = Object.entries(this.#groups).flatMap(([name, { hosts = [] }]) => hosts.map((host) => ({ name, host })));
    const literal = all.filter(({ host }) => host === word);
    if (literal.length > 0) return Promise.all(literal.map(({ name, host }) => this.#target(host, name)));
    const { key } = await this.#place({ target: word });
    const found = await inParallel(AT_ONCE, all, async ({ name, host }) => {
      const { login } = this.#groups[name] ?? {};
      const place = await this.#place({ target: host, ...(login && { login }) });
      return place.key === key ? [await this.#target(word, name, place.user)] : [];
    });
    return found.flat();
  }

  /** A host that stands in no group. */
  async alone(word: string): Promise<PlacedTarget> {
    return this.#target(word);
  }

  async #target(host: string, group?: string, user?: string): Promise<PlacedTarget> {
    const { login, services, params }: Partial<Group> = group === undefined ? {} : (this.#groups[group] ?? {});
    const as = user ?? login;
    const spec = { target: host, ...(as && { login: as }) };
    return {
      name: host,
      machine: hostMachine(spec, this.#access),
      place: await this.#place(spec),
      ...(group && { group }),
      ...(services && { services }),
      ...(params && { params }),
    };
  }

  #place(spec: HostSpec): Promise<Place> {
    const id = `${spec.login ?? ""} ${spec.target}`;
    const known = this.#known.get(id) ?? placeOf(spec);
    this.#known.set(id, known);
    return known;
  }
}

/** A configuration that ssh refuses is told when the host is connected to; until then a spelling is a place. */
async function placeOf({ target, login }: HostSpec): Promise<Place> {
  try {
    const { host, port, user, proxyJump, proxyCommand } = await readSshSettings(target, login);
    return { key: JSON.stringify([host.toLowerCase(), port, proxyJump, proxyCommand]), user };
  } catch {
    return { key: target, user: login };
  }
}

/** The user is part of what is wanted, unless it is typed with the host. */
export function wantTheSame(a: Target & Partial<PlacedTarget>, b: Target & Partial<PlacedTarget>): boolean {
  const typed = [a, b].some(({ name }) => name.includes("@") && parseTarget(name).user !== undefined);
  const wants = ({ services, params, place }: typeof a) => JSON.stringify([services, params, typed || place?.user]);
  return wants(a) === wants(b);
}

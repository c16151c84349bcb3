import type { EC2, Filter, Instance } from "@aws-sdk/client-ec2";
import { BootlaceError } from "../../../stage2/index.ts";
import type { Ec2Config } from "../../manifest/ec2-schema.ts";
import { readSshSettings } from "../../session/ssh-settings.ts";
import { ec2Client } from "./ec2-client.ts";
import { awsCode } from "./ec2-errors.ts";
import { consoleText } from "./instance-console.ts";
import { loginOf } from "./login-of.ts";
import { TAG, tagOf } from "./tags.ts";

/** What a word names at EC2: `i-…`, `asg:NAME`, `tag:KEY=VALUE`. */
export type InstanceChoice =
  | { readonly kind: "id"; readonly id: string }
  | { readonly kind: "asg"; readonly name: string }
  | { readonly kind: "tag"; readonly key: string; readonly value: string };

export interface FoundInstance {
  readonly id: string;
  /** What SSH is to connect to: an address, or the id where ~/.ssh/config has a way to that. */
  readonly target: string;
  readonly ami: string;
  /** Whom the AMI lets in, where that is known. */
  readonly login: string | undefined;
  readonly tags: ReadonlyMap<string, string>;
}

export interface Place {
  readonly region: string | undefined;
  readonly address: Ec2Config["address"];
}

/** The tag that Auto Scaling itself gives. */
export const GROUP_TAG = "aws:autoscaling:groupName";

/**
 * The running instances that a word names, by id; machines that builds and smoke tests run are nobody's fleet.
 *
 * @throws {BootlaceError} `E_FLEET_EMPTY` when there is none.
 */
export async function findInstances(choice: InstanceChoice, place: Place): Promise<readonly FoundInstance[]> {
  const api = await ec2Client(place.region);
  const all = await described(api, choice);
  const running = all.filter(({ State }) => State?.Name === "running");
  const ours = choice.kind === "id" ? running : running.filter(isInUse);
  if (ours.length === 0) throw none(choice, all, await api.config.region());
  const logins = await loginsOf(api, ours);
  const found = ours.map(async (instance): Promise<FoundInstance> => {
    const { InstanceId: id = "", ImageId: ami = "", Tags = [] } = instance;
    const target = await targetOf(id, addressOf(instance, place.address));
    return {
      id,
      target,
      ami,
      login: logins.get(ami),
      tags: new Map(Tags.map(({ Key = "", Value = "" }) => [Key, Value])),
    };
  });
  return (await Promise.all(found)).sort((one, other) => (one.id < other.id ? -1 : 1));
}

async function described(api: EC2, choice: InstanceChoice): Promise<readonly Instance[]> {
  const found: Instance[] = [];
  let NextToken: string | undefined;
  do {
    const page = await api
      .describeInstances({
        ...(choice.kind === "id" ? { InstanceIds: [choice.id] } : { Filters: [filterOf(choice)] }),
        ...(NextToken && { NextToken }),
      })
      .catch((error) => {
        if (/^InvalidInstanceID\./.test(awsCode(error))) return { Reservations: [], NextToken: undefined };
        throw error;
      });
    found.push(...(page.Reservations ?? []).flatMap(({ Instances = [] }) => Instances));
    NextToken = page.NextToken || undefined;
  } while (NextToken);
  return found;
}

/** A filter's `*` and `?` stand for anything, and a name is meant as it is ("Filter resources", Amazon EC2 User Guide). */
function filterOf(choice: Exclude<InstanceChoice, { kind: "id" }>): Filter {
  const [key, value] = choice.kind === "asg" ? [GROUP_TAG, choice.name] : [choice.key, choice.value];
  return { Name: `tag:${key}`, Values: [value.replace(/[\\*?]/g, "\\$&")] };
}

const isInUse = ({ Tags }: Instance): boolean => !/^(build|smoke)$/.test(tagOf(Tags, TAG.purpose));

/** Without a word on it the public address counts where there is one. */
function addressOf(instance: Instance, wanted: Ec2Config["address"]): string | undefined {
  const { PublicIpAddress, PrivateIpAddress, Ipv6Address, NetworkInterfaces } = instance;
  const ipv6 = Ipv6Address ?? NetworkInterfaces?.[0]?.Ipv6Addresses?.[0]?.Ipv6Address;
  switch (wanted) {
    case "public":
      return PublicIpAddress;
    case "private":
      return PrivateIpAddress;
    case "ipv6":
      return ipv6 && `[${ipv6}]`;
    default:
      return PublicIpAddress || PrivateIpAddress || (ipv6 && `[${ipv6}]`);
  }
}

/** `Host i-*` of ~/.ssh/config goes first where it says how to get there: that is the way by Session Manager. */
async function targetOf(id: string, address: string | undefined): Promise<string> {
  if (address === undefined) return id;
  const { proxyCommand, proxyJump, host } = await readSshSettings(id);
  return proxyCommand !== undefined || proxyJump !== undefined || host !== id ? id : address;
}

/** By AMI; one that is gone, or that nobody knows, leaves the login to ~/.ssh/config. */
async function loginsOf(api: EC2, instances: readonly Instance[]): Promise<ReadonlyMap<string, string>> {
  const ids = [...new Set(instances.flatMap(({ ImageId }) => ImageId ?? []))];
  const Filters = [{ Name: "image-id", Values: ids }];
  const { Images = [] } = await api.describeImages({ Filters });
  return new Map(
    Images.flatMap(({ ImageId: id = "", Name: name = "", OwnerId: owner = "", ImageOwnerAlias: alias = "" }) => {
      try {
        const notes = { id, name, owner, alias, architecture: "x86_64", rootDevice: "" } as const;
        return [[id, loginOf(notes, undefined)] as const];
      } catch {
        return [];
      }
    }),
  );
}

function none(choice: InstanceChoice, all: readonly Instance[], region: string): BootlaceError {
  const what =
    choice.kind === "id"
      ? choice.id
      : choice.kind === "asg"
        ? `the group ${choice.name}`
        : `the tag ${choice.key}=${choice.value}`;
  const states = [...new Set(all.map(({ State }) => State?.Name ?? "unknown"))].join(", ");
  if (choice.kind === "id" && all.length > 0)
    return new BootlaceError("E_FLEET_EMPTY", `${what} is ${states}, expected running`, {
      hint: `What its console said last: bootlace status ${what}`,
    });
  return new BootlaceError(
    "E_FLEET_EMPTY",
    `No running instance in ${region} is found by ${what}${states === "" ? "" : ` (${states})`}`,
    { hint: "Look at the name (upper and lower case count), at `region:` in bootlace.yaml, and at AWS_PROFILE." },
  );
}

/** What an instance printed, also of one that ended within the last hour. @throws {BootlaceError} `E_FLEET_EMPTY`. */
export async function instanceConsole(id: string, region: string | undefined): Promise<string> {
  const api = await ec2Client(region);
  try {
    return (await consoleText(api, id)).toString("latin1");
  } catch (error) {
    if (!/^InvalidInstanceID\./.test(awsCode(error))) throw error;
    throw none({ kind: "id", id }, [], await api.config.region());
  }
}

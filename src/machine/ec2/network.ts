import type { EC2, Filter, Subnet } from "@aws-sdk/client-ec2";
import { BootlaceError } from "../../../stage2/index.ts";
import type { Ec2Config } from "../../manifest/ec2-schema.ts";
import { awsCode } from "./ec2-errors.ts";
import { ownAddress } from "./own-address.ts";

export interface Network {
  readonly vpc: string;
  /** At least one, the one with most free addresses first. */
  readonly subnets: readonly string[];
  readonly groups: readonly string[];
  readonly openTo: readonly string[];
}

type IdOrTag = string | { readonly tag: string };

/**
 * Where an instance goes, and who may connect to it; looks only, makes nothing.
 *
 * @param checkip answers the address that a request came from.
 * @throws {BootlaceError} `E_EC2_NETWORK`.
 */
export async function resolveNetwork(api: EC2, config: Ec2Config, checkip: string): Promise<Network> {
  const subnets = await subnetsFor(api, config);
  const vpc = subnets[0]?.VpcId ?? "";
  const groups = await Promise.all((config.securityGroups ?? []).map((group) => groupId(api, group)));
  const openTo = groups.length > 0 ? [] : await rangesFor(api, config, vpc, checkip);
  return { vpc, subnets: subnets.map(({ SubnetId }) => SubnetId ?? ""), groups, openTo };
}

async function subnetsFor(api: EC2, config: Ec2Config): Promise<readonly Subnet[]> {
  const { subnet, address = "public" } = config;
  const found = subnet === undefined ? await subnetsOf(api, await vpcId(api, config.vpc)) : await named(api, subnet);
  const fitting = found
    .filter((each) => fits(each, address))
    .sort((one, other) => (other.AvailableIpAddressCount ?? 0) - (one.AvailableIpAddressCount ?? 0));
  if (fitting.length > 0) {
    // One VPC, or the temporary group could not be used in all of them.
    return fitting.filter(({ VpcId }) => VpcId === fitting[0]?.VpcId);
  }
  const where = subnet === undefined ? `No subnet of ${found[0]?.VpcId ?? "the VPC"}` : `Subnet ${shown(subnet)}`;
  const verb = subnet === undefined ? "gives" : "does not give";
  const kind = address === "ipv6" ? "IPv6 addresses" : "public addresses";
  throw new BootlaceError(
    "E_EC2_NETWORK",
    `${where} ${verb} its instances ${kind}, and \`address: ${address}\` wants one`,
    {
      hint: "Name a subnet that does (MapPublicIpOnLaunch), or say `address: private` and reach it by a jump host or ProxyCommand in ~/.ssh/config.",
    },
  );
}

function fits(subnet: Subnet, address: NonNullable<Ec2Config["address"]>): boolean {
  if (address === "public") return subnet.MapPublicIpOnLaunch === true;
  return address === "private" || (subnet.Ipv6CidrBlockAssociationSet ?? []).length > 0;
}

async function subnetsOf(api: EC2, vpc: string): Promise<readonly Subnet[]> {
  const { Subnets = [] } = await api.describeSubnets({ Filters: [{ Name: "vpc-id", Values: [vpc] }] });
  if (Subnets.length > 0) return Subnets;
  throw new BootlaceError("E_EC2_NETWORK", `${vpc} in ${await api.config.region()} has no subnet`);
}

async function named(api: EC2, subnet: IdOrTag): Promise<readonly Subnet[]> {
  const { Subnets = [] } = await orNothing(
    /^InvalidSubnetI[dD]\./,
    api.describeSubnets(typeof subnet === "string" ? { SubnetIds: [subnet] } : { Filters: [tagFilter(subnet.tag)] }),
  );
  if (Subnets.length > 0) return Subnets;
  throw await missing(api, "subnet", subnet);
}

async function vpcId(api: EC2, vpc: IdOrTag | undefined): Promise<string> {
  if (typeof vpc === "string") return vpc;
  const { Vpcs = [] } = await api.describeVpcs(vpc ? { Filters: [tagFilter(vpc.tag)] } : {});
  const [found, another] = vpc ? Vpcs : Vpcs.filter(({ IsDefault }) => IsDefault);
  if (another)
    throw new BootlaceError(
      "E_EC2_NETWORK",
      `Several VPCs have the tag ${vpc?.tag}: ${Vpcs.map((each) => each.VpcId).join(", ")}`,
    );
  if (found?.VpcId) return found.VpcId;
  if (vpc) throw await missing(api, "VPC", vpc);
  throw new BootlaceError("E_EC2_NETWORK", `The account has no default VPC in ${await api.config.region()}`, {
    hint: "Name a subnet: `ec2: {subnet: subnet-…}`.",
  });
}

async function groupId(api: EC2, group: IdOrTag): Promise<string> {
  const { SecurityGroups = [] } = await orNothing(
    /^InvalidGroup/,
    api.describeSecurityGroups(typeof group === "string" ? { GroupIds: [group] } : { Filters: [tagFilter(group.tag)] }),
  );
  const [found] = SecurityGroups;
  if (found?.GroupId) return found.GroupId;
  throw await missing(api, "security group", group);
}

/** @throws {BootlaceError} `E_EC2_NETWORK` where the whole world would be let in and nobody said so. */
async function rangesFor(api: EC2, config: Ec2Config, vpc: string, checkip: string): Promise<readonly string[]> {
  const { openTo, openToWorld, address = "public" } = config;
  if (openTo === undefined && address === "private") {
    const { Vpcs = [] } = await api.describeVpcs({ VpcIds: [vpc] });
    return Vpcs.flatMap(({ CidrBlock }) => (CidrBlock === undefined ? [] : [CidrBlock]));
  }
  const ranges = await Promise.all((openTo ?? ["own"]).map((range) => (range === "own" ? ownAddress(checkip) : range)));
  const world = ranges.find((range) => range.endsWith("/0"));
  if (world !== undefined && openToWorld !== true)
    throw new BootlaceError("E_EC2_NETWORK", `\`openTo: ${world}\` would let the whole world connect`, {
      hint: "Leave `openTo` out, which lets in this desk's own address alone. If it is meant: `openToWorld: true`.",
    });
  if (address === "ipv6" && !ranges.some((range) => range.includes(":")))
    throw new BootlaceError(
      "E_EC2_NETWORK",
      "`address: ipv6` needs a range of IPv6 in `openTo`: this desk's own address was found by IPv4",
      {
        hint: 'Write the desk\'s address: `openTo: ["2001:db8::7/128"]`.',
      },
    );
  return ranges;
}

function tagFilter(tag: string): Filter {
  const [key = "", ...value] = tag.split("=");
  return { Name: `tag:${key}`, Values: [value.join("=")] };
}

async function orNothing<T extends object>(codes: RegExp, asked: Promise<T>): Promise<Partial<T>> {
  try {
    return await asked;
  } catch (error) {
    if (codes.test(awsCode(error))) return {};
    throw error;
  }
}

const shown = (one: IdOrTag): string => (typeof one === "string" ? one : `with the tag ${one.tag}`);

async function missing(api: EC2, kind: string, one: IdOrTag): Promise<BootlaceError> {
  const region = await api.config.region();
  return new BootlaceError("E_EC2_NETWORK", `There is no ${kind} ${shown(one)} in ${region}`, {
    hint: "Look at `ec2:` and `region:` in bootlace.yaml.",
  });
}

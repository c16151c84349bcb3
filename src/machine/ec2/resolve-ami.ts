import type { EC2, Image } from "@aws-sdk/client-ec2";
import { BootlaceError } from "../../../stage2/index.ts";
import type { AmiChoice, Base } from "../machine.ts";
import { ssmClient } from "./ec2-client.ts";
import { awsCode } from "./ec2-errors.ts";
import type { AmiNotes } from "./ec2-spec.ts";

const AMI_ID = /^ami-[0-9a-f]{8,17}$/;

/**
 * The AMI that a base stands for now.
 *
 * @throws {BootlaceError} `E_EC2_BASE` when there is none, it is not ready, or it has another architecture.
 */
export async function resolveAmi(
  api: EC2,
  base: Base,
  arch: AmiNotes["architecture"],
  signal?: AbortSignal,
): Promise<AmiNotes> {
  const region = await api.config.region();
  const which = choiceOf(base);
  const found =
    "name" in which ? await newest(api, which, arch, signal) : await amiById(api, await idOf(which, region, arch));
  const { id, rootDevice } = assertUsable(found, region);
  const { Architecture: came } = found;
  if (came !== arch)
    throw new BootlaceError("E_EC2_BASE", `${id} (${found.Name}) is ${came}, expected ${arch}`, {
      hint: `Say \`arch: ${came === "arm64" || came === "x86_64" ? came : arch}\`, or name an AMI of ${arch} under \`from:\`.`,
    });
  return {
    id,
    name: found.Name ?? id,
    architecture: arch,
    rootDevice,
    owner: found.OwnerId ?? "",
    alias: found.ImageOwnerAlias ?? "",
  };
}

function choiceOf(base: Base): AmiChoice {
  if (base.kind === "ami") return base.which;
  if (base.kind === "layers" && base.origin.ami !== undefined) return { id: base.origin.ami };
  throw new BootlaceError("E_PROVIDER_UNSUPPORTED", `An EC2 instance starts from an AMI, not from {${base.kind}}`);
}

/** AWS's public parameters name AMIs ("Calling AMI public parameters", Systems Manager User Guide). */
async function idOf(which: { id: string } | { ssm: string }, region: string, arch: string): Promise<string> {
  if ("id" in which) return which.id;
  const name = which.ssm.replaceAll("{arch}", arch);
  const ssm = await ssmClient(region);
  try {
    const value = (await ssm.getParameter({ Name: name })).Parameter?.Value?.trim() ?? "";
    if (AMI_ID.test(value)) return value;
    throw new BootlaceError(
      "E_EC2_BASE",
      `The parameter ${name} in ${region} holds no AMI's id: ${value.slice(0, 80)}`,
    );
  } catch (error) {
    if (!/^(ParameterNotFound|ValidationException)$/.test(awsCode(error))) throw error;
    throw new BootlaceError("E_EC2_BASE", `There is no parameter ${name} in ${region}`, { cause: error });
  } finally {
    ssm.destroy();
  }
}

/** Whether an instance of an AMI can be launched, and captured again. @throws {BootlaceError} `E_EC2_BASE`. */
export function assertUsable(
  { ImageId: id, Name, RootDeviceName: rootDevice, RootDeviceType: kind, State: state }: Image,
  region: string,
): { readonly id: string; readonly rootDevice: string } {
  if (id === undefined || rootDevice === undefined || kind !== "ebs")
    throw new BootlaceError(
      "E_EC2_BASE",
      `${id} (${Name}) has no EBS root volume, and nothing else can be stopped and captured`,
    );
  if (state !== "available")
    throw new BootlaceError("E_EC2_BASE", `${id} in ${region} is ${state}, expected available`);
  return { id, rootDevice };
}

/** @throws {BootlaceError} `E_EC2_BASE` when there is none, or it is not for this account. */
export async function amiById(api: EC2, id: string): Promise<Image> {
  const region = await api.config.region();
  try {
    const [image] = (await api.describeImages({ ImageIds: [id] })).Images ?? [];
    if (image) return image;
  } catch (error) {
    if (!/^InvalidAMIID\./.test(awsCode(error))) throw error;
  }
  throw new BootlaceError("E_EC2_BASE", `There is no AMI ${id} in ${region}, or it is not shared with this account`, {
    hint: "An AMI has another id in each region: look at `region:` in bootlace.yaml.",
  });
}

async function newest(
  api: EC2,
  { name, owner }: { readonly name: string; readonly owner: string },
  arch: string,
  signal: AbortSignal | undefined,
): Promise<Image> {
  const Filters = [
    { Name: "name", Values: [name] },
    { Name: "architecture", Values: [arch] },
    { Name: "state", Values: ["available"] },
  ];
  const { Images = [] } = await api.describeImages({ Owners: [owner], Filters }, signal ? { abortSignal: signal } : {});
  const sorted = Images.filter(({ RootDeviceType }) => RootDeviceType === "ebs").sort((one, other) =>
    (other.CreationDate ?? "").localeCompare(one.CreationDate ?? ""),
  );
  const [image] = sorted;
  if (image) return image;
  throw new BootlaceError(
    "E_EC2_BASE",
    `There is no AMI of ${owner} called "${name}" for ${arch} in ${await api.config.region()}`,
    { hint: "Names may hold `*` and `?`; `owner` is an account's number, `amazon` or `self`." },
  );
}

import { randomBytes } from "node:crypto";
import { basename } from "node:path";
import type { EC2 } from "@aws-sdk/client-ec2";
import { BootlaceError } from "../../../stage2/index.ts";
import { loadProject } from "../../project/load-project.ts";
import { deskArch } from "../../runtime/pinned.ts";
import type { Base, Hardware, LaunchSpec } from "../machine.ts";
import { ec2Client } from "./ec2-client.ts";
import { awsCode } from "./ec2-errors.ts";
import type { AmiNotes, Ec2Spec } from "./ec2-spec.ts";
import { checkedTypes } from "./instance-types.ts";
import { loginOf } from "./login-of.ts";
import { resolveNetwork } from "./network.ts";
import { resolveAmi } from "./resolve-ami.ts";
import { runRequest } from "./run-request.ts";

/** The region of an image or a machine: that of its own settings, of its base, else what the SDK finds. */
export const regionOf = (base: Base, hardware: Hardware | undefined): string | undefined =>
  base.kind === "layers"
    ? base.origin.region
    : (hardware?.ec2?.region ?? (base.kind === "ami" ? base.region : undefined));

/** That of an image of the project; else as asked. */
export const archFor = (base: Base, asked: Hardware["arch"]): AmiNotes["architecture"] =>
  base.kind === "layers" && (base.origin.arch === "arm64" || base.origin.arch === "x86_64")
    ? base.origin.arch
    : (asked ?? deskArch());

/**
 * Works out what an instance is to be, and asks EC2 all that can be asked before anything is made: AMI, architecture,
 * types, network, rights, the name of the AMI to come.
 *
 * @throws {BootlaceError} `E_EC2_BASE`, `E_EC2_TYPE`, `E_EC2_NETWORK`, `E_EC2_IMAGE`, `E_AWS_DENIED`.
 */
export async function planInstance(spec: LaunchSpec, checkip: string, signal?: AbortSignal): Promise<Ec2Spec> {
  const { name, dir, base, purpose, hardware = {}, build, image } = spec;
  const { ec2: config = {} } = hardware;
  const api = await ec2Client(regionOf(base, hardware));
  const region = await api.config.region();
  assertSameRegion(base, config.region);
  const arch = archFor(base, hardware.arch);
  const ami = await resolveAmi(api, base, arch, signal);
  const [types, network, project] = await Promise.all([
    checkedTypes(api, config.type, arch),
    resolveNetwork(api, config, checkip),
    projectName(dir),
  ]);
  const token = randomBytes(16).toString("hex");
  const made: Ec2Spec = {
    provider: "ec2",
    name,
    token,
    project,
    purpose,
    region,
    ami,
    login: loginOf(ami, hardware.login ?? (base.kind === "layers" ? base.origin.login : undefined)),
    config,
    types,
    ...network,
    ...(hardware.disk === undefined ? {} : { disk: hardware.disk }),
    ...(build ? { build } : {}),
    imageName: amiName(config.imageName, {
      project,
      image: image?.name ?? name,
      id: image?.id ?? token.slice(0, 12),
      arch,
    }),
    ...(image ? { image: `${image.name}/${image.id}` } : {}),
  };
  if (image) await assertNameFree(api, made.imageName);
  await assertRights(api, made);
  return made;
}

function assertSameRegion(base: Base, asked: string | undefined): void {
  if (base.kind !== "layers" || asked === undefined || asked === base.origin.region) return;
  throw new BootlaceError(
    "E_EC2_BASE",
    `The image ${base.origin.ami} is in ${base.origin.region}, and \`ec2.region\` is ${asked}`,
    {
      hint: "Build it in that region too.",
    },
  );
}

/** Name of the project, for tags. A folder without one has its own. */
export const projectName = (dir: string): Promise<string> =>
  loadProject(dir).then(
    ({ config }) => config.name,
    () => basename(dir),
  );

/** `{project}-{image}-{id}` with what the names stand for, within the 128 characters that an AMI's name may have. */
export function amiName(template: string | undefined, values: Readonly<Record<string, string>>): string {
  const name = (template ?? "{project}-{image}-{id}").replace(/\{(\w+)\}/g, (all, key: string) => values[key] ?? all);
  if (/^[A-Za-z0-9()[\] ./'@_-]{3,128}$/.test(name)) return name;
  throw new BootlaceError("E_EC2_IMAGE", `No AMI can be called "${name}"`, {
    hint: "`ec2.imageName` takes {project}, {image}, {id}, {arch}; a name has 3 to 128 letters, digits, blanks and ()[]./-'@_.",
  });
}

async function assertNameFree(api: EC2, name: string): Promise<void> {
  const { Images = [] } = await api.describeImages({ Owners: ["self"], Filters: [{ Name: "name", Values: [name] }] });
  const [taken] = Images;
  if (taken)
    throw new BootlaceError("E_EC2_IMAGE", `The account has an AMI called "${name}" already: ${taken.ImageId}`, {
      hint: "Put {id} into `ec2.imageName`, which is another one for each build.",
    });
}

/** EC2 says what it would do without doing it ("DryRun" of RunInstances). Key pair and group are not there yet. */
async function assertRights(api: EC2, spec: Ec2Spec): Promise<void> {
  try {
    const [type = ""] = spec.types;
    const [subnet = ""] = spec.subnets;
    const {
      KeyName: _key,
      ClientToken: _token,
      ...request
    } = runRequest(spec, { type, subnet, groups: spec.groups, round: 0 });
    await api.runInstances({ ...request, DryRun: true });
  } catch (error) {
    if (awsCode(error) !== "DryRunOperation") throw error;
  }
}

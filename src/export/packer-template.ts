import { BootlaceError } from "../../stage2/index.ts";
import type { TarFile } from "../bundle/tar-stream.ts";
import type { ImageConfig, ProjectConfig } from "../manifest/project-schema.ts";
import { firstFiles } from "./first-files.ts";
import { stage1Archive } from "./stage1-archive.ts";

export const PACKER_ARCHIVE = "bootlace-stage1.tar.gz";

export interface PackerExport {
  /** A template in JSON, which every version of Packer since 1.0 reads. */
  readonly template: string;
  /** What it uploads: stage1, boot.conf and trusted keys, as {@link PACKER_ARCHIVE} beside the template. */
  readonly archive: Buffer;
}

/**
 * A Packer template that makes an image with stage1 in it, and runs the `init` of the image's services. Seal, search and smoke
 * test are `bootlace build`'s alone.
 *
 * @throws {BootlaceError} `E_EXPORT`, `E_IMAGE_UNKNOWN`.
 */
export async function packerTemplate(dir: string, config: ProjectConfig, name: string): Promise<PackerExport> {
  const image = config.images[name];
  if (image === undefined)
    throw new BootlaceError("E_IMAGE_UNKNOWN", `bootlace.yaml has no image "${name}"`, {
      hint: `It has: ${Object.keys(config.images).join(", ") || "none"}.`,
    });
  const { conf, trust, services } = await firstFiles(dir, config, name);
  const text = (path: string, content: string): TarFile => ({ path, mode: 0o644, bytes: Buffer.from(content) });
  const archive = await stage1Archive([
    text("boot.conf", conf),
    text("services", services),
    ...trust.map((key) => text(`trust/${key.name}`, key.text)),
  ]);
  const { builder, variables } = builderOf(config, name, image);
  const template = {
    description: `Image ${name} of ${config.name}, with Bootlace's stage1`,
    variables,
    builders: [builder],
    provisioners: [
      { type: "file", source: `{{template_dir}}/${PACKER_ARCHIVE}`, destination: `/tmp/${PACKER_ARCHIVE}` },
      { type: "shell", execute_command: "chmod +x {{.Path}}; {{.Vars}} sudo -E sh -eu {{.Path}}", inline: INSTALL },
    ],
  };
  return { template: `${JSON.stringify(template, undefined, 2)}\n`, archive };
}

/** Runs as root. Updates are for the machines that are made of the image, so `init` alone runs here. */
const INSTALL = [
  "umask 077",
  "rm -rf /tmp/bootlace-export",
  "mkdir /tmp/bootlace-export",
  `tar -xzf /tmp/${PACKER_ARCHIVE} --no-same-owner -C /tmp/bootlace-export`,
  "mkdir -p /etc/bootlace/trust",
  "cp /tmp/bootlace-export/trust/* /etc/bootlace/trust/",
  "install -m 644 /tmp/bootlace-export/services /etc/bootlace/services",
  "chmod 600 /tmp/bootlace-export/boot.conf",
  "sh /tmp/bootlace-export/stage1/install --conf /tmp/bootlace-export/boot.conf",
  "/usr/lib/bootlace/stage1 --wait -- run --phase init --plain",
  `rm -rf /tmp/bootlace-export /tmp/${PACKER_ARCHIVE}`,
];

interface Builder {
  readonly builder: Readonly<Record<string, unknown>>;
  readonly variables: Readonly<Record<string, string | null>>;
}

/** Amazon's builder for an image of EC2; for others a machine that is there already, reached by SSH. */
function builderOf({ name: project, region }: ProjectConfig, name: string, image: ImageConfig): Builder {
  const from = typeof image.from === "object" ? image.from : {};
  const login = image.login ?? "";
  if (image.on !== "ec2") {
    const builder = {
      type: "null",
      ssh_host: "{{user `host`}}",
      ssh_username: "{{user `login`}}",
      ssh_agent_auth: true,
    };
    return { builder, variables: { host: null, login: login || "root" } };
  }
  const { ec2 = {} } = image;
  const types = ec2.type ?? "t3.small";
  const source =
    from.ami !== undefined
      ? { source_ami: from.ami }
      : from.name !== undefined && from.owner !== undefined
        ? {
            source_ami_filter: {
              filters: { name: from.name, "virtualization-type": "hvm", "root-device-type": "ebs" },
              owners: [from.owner],
              most_recent: true,
            },
          }
        : { source_ami: "{{user `source_ami`}}" };
  // What Packer of old cannot resolve, such as an SSM parameter, is asked for.
  const asked = source.source_ami?.startsWith("{{") ? { source_ami: null } : {};
  const builder = {
    type: "amazon-ebs",
    region: "{{user `region`}}",
    instance_type: typeof types === "string" ? types : types[0],
    ...source,
    ssh_username: "{{user `login`}}",
    ami_name: `${project}-${name}-{{timestamp}}`,
    tags: { "bootlace:project": project, "bootlace:image": name },
    ...(ec2.profile === undefined ? {} : { iam_instance_profile: ec2.profile }),
  };
  const variables = { region: ec2.region ?? region ?? null, login: login || "ec2-user", ...asked };
  return { builder, variables };
}

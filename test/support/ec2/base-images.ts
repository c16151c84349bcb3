import type { Layer } from "../../../src/machine/machine.ts";
import { AMAZON, DEBIAN, makeId, type Region, type StoredImage } from "./state.ts";

export interface BaseImage {
  readonly name: string;
  readonly owner: string;
  readonly alias?: string;
  readonly arch?: "x86_64" | "arm64";
  /** Default root. */
  readonly login?: string;
  readonly printsHostKeys?: boolean;
  /** Names of public parameters of SSM that give its id. */
  readonly parameters?: readonly string[];
}

/** Public AMIs that a region has from the start, by what a test calls them. */
export const BASES = {
  /** root logs in; host keys on the console. */
  root: { name: "plain-x86_64-20261101", owner: DEBIAN, alias: "aws-marketplace", login: "root" },
  /** `ec2-user` logs in and has sudo; host keys on the console. */
  amazon: {
    name: "al2023-ami-2023.9.20261101.0-kernel-6.12-x86_64",
    owner: AMAZON,
    alias: "amazon",
    login: "ec2-user",
    parameters: ["/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64"],
  },
  /** `admin` logs in and has sudo, root is refused; host keys on the console. */
  debian: {
    name: "debian-12-amd64-20261101-2280",
    owner: DEBIAN,
    alias: "aws-marketplace",
    login: "admin",
    parameters: ["/aws/service/debian/release/12/latest/amd64"],
  },
  debianArm: {
    name: "debian-12-arm64-20261101-2280",
    owner: DEBIAN,
    alias: "aws-marketplace",
    arch: "arm64",
    login: "admin",
    parameters: ["/aws/service/debian/release/12/latest/arm64"],
  },
  /** An older one of the same name filter. */
  debianOld: { name: "debian-12-amd64-20250101-1000", owner: DEBIAN, alias: "aws-marketplace", login: "admin" },
  /** root logs in; nothing about host keys on the console. */
  silent: { name: "silent-x86_64", owner: AMAZON, alias: "amazon", login: "root", printsHostKeys: false },
  /** Somebody else's, with a name that looks like Debian's. */
  impostor: { name: "debian-12-amd64-20261231-9999", owner: "666677778888", login: "root" },
} as const satisfies Readonly<Record<string, BaseImage>>;

/** Makes a public AMI of somebody else's known in a region. @returns its id. */
export function addBaseImage(region: Region, ground: Layer, base: BaseImage): string {
  const { name, owner, alias, arch = "x86_64", login = "root", printsHostKeys = true, parameters = [] } = base;
  const id = makeId("ami");
  const [day = "20261101"] = /20\d{6}/.exec(name.replaceAll(".", "-")) ?? [];
  const api: StoredImage["api"] = {
    ImageId: id,
    Name: name,
    Description: name,
    OwnerId: owner,
    ...(alias !== undefined && { ImageOwnerAlias: alias }),
    ImageLocation: `${alias ?? owner}/${name}`,
    CreationDate: `${day.slice(0, 4)}-${day.slice(4, 6)}-${day.slice(6)}T06:00:00.000Z`,
    Architecture: arch,
    State: "available",
    Public: true,
    ImageType: "machine",
    Hypervisor: "xen",
    VirtualizationType: "hvm",
    RootDeviceType: "ebs",
    RootDeviceName: "/dev/xvda",
    EnaSupport: true,
    BootMode: arch === "arm64" ? "uefi" : "uefi-preferred",
    PlatformDetails: "Linux/UNIX",
    BlockDeviceMappings: [
      {
        DeviceName: "/dev/xvda",
        Ebs: {
          SnapshotId: makeId("snap"),
          VolumeSize: 8,
          VolumeType: "gp3",
          DeleteOnTermination: true,
          Encrypted: false,
        },
      },
    ],
  };
  region.images.set(id, { api, layers: [ground], login, printsHostKeys, sharedWith: new Set(), protection: false });
  for (const parameter of parameters) region.parameters.set(parameter, id);
  return id;
}

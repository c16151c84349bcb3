import { join } from "node:path";
import type { Purpose } from "../../../stage2/index.ts";
import type { Ec2Config } from "../../manifest/ec2-schema.ts";
import type { BuildMark } from "../machine.ts";
import { machineFolder } from "../machine-folder.ts";

/** `spec.json`: what an instance is to be. Written before anything is created, so that all of it can be found by names and tags. */
export interface Ec2Spec {
  readonly provider: "ec2";
  readonly name: string;
  /** Random; names the key pair and the group, makes RunInstances idempotent, and is a tag on everything. */
  readonly token: string;
  readonly project: string;
  readonly purpose: Purpose;
  readonly region: string;
  readonly ami: AmiNotes;
  readonly login: string;
  readonly config: Ec2Config;
  readonly types: readonly string[];
  /** Tried in order. */
  readonly subnets: readonly string[];
  readonly vpc: string;
  /** Existing groups; empty: a temporary one is made. */
  readonly groups: readonly string[];
  /** Ranges that the temporary group lets in. */
  readonly openTo: readonly string[];
  /** Bytes; of the root volume. */
  readonly disk?: number;
  readonly build?: BuildMark;
  /** Name of the AMI that a capture makes. */
  readonly imageName: string;
  /** `web/2026…`. */
  readonly image?: string;
}

/** What is known of the AMI that an instance starts from. */
export interface AmiNotes {
  readonly id: string;
  readonly name: string;
  readonly architecture: "x86_64" | "arm64";
  readonly rootDevice: string;
  /** Account that owns it. */
  readonly owner: string;
  /** `amazon` of AWS's own, in every partition; empty where it has none. */
  readonly alias: string;
}

/** `instance.json`: what came of it, as far as it is known. */
export interface Ec2Instance {
  readonly group?: string;
  readonly id?: string;
  /** When RunInstances answered, in milliseconds since 1970: EC2 does not know everywhere at once what it has made. */
  readonly launched?: number;
  readonly type?: string;
  readonly privateIp?: string;
  readonly publicIp?: string;
  readonly ipv6?: string;
  readonly privateDns?: string;
  readonly publicDns?: string;
  readonly mac?: string;
}

/** `known.json`: what only the machine could tell. */
export interface Ec2Known {
  /** Public key lines. */
  readonly hostKeys?: readonly string[];
  readonly machineId?: string;
  /** The run that stood open in its journal when the desk last looked; empty when none did. */
  readonly openRun?: string;
}

/** `capture.json`: written before CreateImage. */
export interface Ec2Capture {
  readonly name: string;
  readonly ami?: string;
  /** True once the AMI was handed over: from then on it is not the machine's to remove. */
  readonly done?: true;
}

export interface Ec2Files {
  readonly folder: string;
  readonly spec: string;
  readonly instance: string;
  readonly known: string;
  readonly capture: string;
  readonly console: string;
  readonly userKey: string;
  /** A host key that the desk plants by user data, where that was asked for. */
  readonly hostKey: string;
}

export function filesOf(dir: string, name: string): Ec2Files {
  const folder = machineFolder(dir, name);
  const file = (leaf: string) => join(folder, leaf);
  return {
    folder,
    spec: file("spec.json"),
    instance: file("instance.json"),
    known: file("known.json"),
    capture: file("capture.json"),
    console: file("console.log"),
    userKey: file("id_ed25519"),
    hostKey: file("host_ed25519"),
  };
}

/** What the key pair and the temporary group are called. */
export const resourceName = ({ project, name, token }: Pick<Ec2Spec, "project" | "name" | "token">): string =>
  `bootlace-${project}-${name}-${token.slice(0, 8)}`;

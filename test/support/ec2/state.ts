import { randomBytes } from "node:crypto";
import type {
  Image,
  Instance,
  KeyPairInfo,
  LaunchTemplateVersion,
  RunInstancesCommandInput,
  SecurityGroup,
  Snapshot,
  Subnet,
  Volume,
  Vpc,
} from "@aws-sdk/client-ec2";
import type { Layer, Machine } from "../../../src/machine/machine.ts";
import type { StoredScalingGroup } from "./scaling/scaling-state.ts";
import { TagBook } from "./tag-book.ts";

/** Whose credentials the server takes. */
export const ACCOUNT = "111122223333";
/** Debian's account and Amazon's own, as they are on AWS. */
export const DEBIAN = "136693071363";
export const AMAZON = "137112412989";

/** An AMI and what is behind it. */
export interface StoredImage {
  readonly api: Image & { ImageId: string };
  /** Base one first; set when it becomes available. */
  layers: readonly Layer[];
  /** Whom cloud-init gives the key pair to: `root`, or a user with sudo. */
  readonly login: string;
  /** Whether cloud-init prints the host keys on the console. */
  readonly printsHostKeys: boolean;
  readonly sharedWith: Set<string>;
  protection: boolean;
}

/** An instance and what is behind it. */
export interface StoredInstance {
  readonly id: string;
  readonly api: Instance;
  readonly request: RunInstancesCommandInput;
  readonly image: StoredImage;
  /** Undefined before the first boot and after the end. */
  machine: Machine | undefined;
  /** It gets one at each start, another each time. */
  readonly publicAddress: boolean;
  shutdown: "stop" | "terminate";
  protected: boolean;
  /** What GetConsoleOutput tells without `Latest`: as it stood at the last change of state. */
  posted: string;
  /** Changes of state, one after the other. */
  work: Promise<void>;
  /** A change is under way. */
  busy: boolean;
}

/** A launch template and its versions, oldest first; a deleted one's number is not given again. */
export interface StoredTemplate {
  readonly id: string;
  readonly name: string;
  readonly created: Date;
  readonly versions: LaunchTemplateVersion[];
  default: number;
  latest: number;
  /** By client token: the version that it made. */
  readonly tokens: Map<string, number>;
}

export interface WrittenParameter {
  readonly value: string;
  readonly description: string | undefined;
  readonly type: string;
  readonly dataType: string;
  readonly at: number;
}

/** What an account has in one region. */
export class Region {
  readonly name: string;
  readonly tags = new TagBook();
  readonly vpcs = new Map<string, Vpc>();
  readonly subnets = new Map<string, Subnet>();
  readonly groups = new Map<string, SecurityGroup>();
  readonly keys = new Map<string, KeyPairInfo & { readonly line: string }>();
  readonly images = new Map<string, StoredImage>();
  readonly snapshots = new Map<string, Snapshot & { readonly sharedWith: Set<string> }>();
  readonly volumes = new Map<string, Volume>();
  readonly instances = new Map<string, StoredInstance>();
  /** By client token: what was asked for, and what it made. */
  readonly launches = new Map<
    string,
    { readonly asked: string; readonly ids: readonly string[]; readonly id: string }
  >();
  readonly parameters = new Map<string, string>();
  /** Those that this account has written, with their history, oldest first. */
  readonly written = new Map<string, WrittenParameter[]>();
  readonly templates = new Map<string, StoredTemplate>();
  readonly scaling = new Map<string, StoredScalingGroup>();
  /** CloudWatch Logs: lines by group and stream. */
  readonly logs = new Map<string, Map<string, { readonly timestamp: number; readonly message: string }[]>>();

  constructor(name: string) {
    this.name = name;
  }
}

/** `i-0123456789abcdef0`: seventeen hex digits. */
export function makeId(prefix: string): string {
  return `${prefix}-0${randomBytes(8).toString("hex")}`;
}

export const isAlive = ({ api }: StoredInstance): boolean => api.State?.Name !== "terminated";

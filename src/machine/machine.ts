import type { Purpose } from "../../stage2/index.ts";
import type { Range } from "../disk/ext-volume.ts";
import type { ImageEc2Config } from "../manifest/ec2-schema.ts";
import type { Session } from "../session/session.ts";

/** What a machine starts from. */
export type Base =
  /** This very computer's root, copy-on-write (sandbox). */
  | { readonly kind: "host" }
  /** A root file system in a folder (sandbox). */
  | { readonly kind: "root"; readonly path: string }
  /** A Debian release, made from its packages (qemu). */
  | { readonly kind: "debian"; readonly suite: string }
  /** A disk image at the desk; absolute path (qemu). */
  | { readonly kind: "file"; readonly path: string }
  /** A disk image to download (qemu). */
  | { readonly kind: "url"; readonly url: string; readonly sha256?: string; readonly sha512?: string }
  /** An AMI: by id, by name and owner (the newest), or named by an SSM parameter, where `{arch}` stands for the architecture (ec2). */
  | { readonly kind: "ami"; readonly region?: string; readonly which: AmiChoice }
  /** An image of the project: its layers, the base one first, and what its provider noted of their origin. */
  | { readonly kind: "layers"; readonly origin: Origin; readonly layers: readonly Layer[] };

export type AmiChoice =
  | { readonly id: string }
  | { readonly name: string; readonly owner: string }
  | { readonly ssm: string };

/** A provider's own notes on what an image was made on; nobody else reads them. */
export type Origin = Readonly<Record<string, string>>;

/** One image file, named by its digest. */
export interface Layer {
  /** SHA-256 of the file, hex. */
  readonly digest: string;
  readonly bytes: number;
  /** Absolute path. */
  readonly file: string;
}

export interface LaunchSpec {
  /** `[a-z][a-z0-9-]*`; unique in the project. */
  readonly name: string;
  /** Absolute path of the project's folder. */
  readonly dir: string;
  readonly base: Base;
  readonly purpose: Purpose;
  readonly hostname?: string;
  /** Absent: the provider's defaults. A provider ignores what its machines do not have. */
  readonly hardware?: Hardware;
  /** The build that it belongs to: whatever is made for it carries the build's id, and may be removed after it expired. */
  readonly build?: BuildMark;
  /** What a capture of it will be called, where the provider's images have names. */
  readonly image?: { readonly name: string; readonly id: string };
  /** Tells of the parts of a launch that take their time. */
  readonly step?: Stepping;
}

/** Tells when something begins and when it is done, and answers what came of it. */
export type Stepping = <T>(step: string, act: () => Promise<T>) => Promise<T>;

export interface BuildMark {
  readonly id: string;
  /** Milliseconds since 1970. */
  readonly expires: number;
}

/** What bootlace.yaml says of a machine's make. */
export interface Hardware {
  readonly arch?: "x86_64" | "arm64";
  /** Bytes. */
  readonly memory?: number;
  readonly cpus?: number;
  /** Bytes. */
  readonly disk?: number;
  /** Who logs in; default by the base. */
  readonly login?: string;
  /** Desk port to machine port: `8080:80`, `127.0.0.1:8080:80`, `8080`. */
  readonly ports?: readonly string[];
  readonly ec2?: ImageEc2Config;
  readonly qemu?: { readonly accel?: "auto" | "kvm" | "hvf" | "tcg"; readonly args?: readonly string[] };
}

/** `cut off`: it did not end in the time that it had, as with the power gone. */
export type Stopped = "in order" | "cut off";

export type MachineStatus = "running" | "stopped" | "gone";

/** A machine that was launched. Every method may be called again after it failed. */
export interface Machine {
  readonly name: string;
  readonly provider: string;
  /** Identity for the whole life of the machine; a machine made from its image has another. */
  readonly id: string;
  readonly purpose: Purpose;
  /** Images that it stands on, base one first. */
  readonly layers: readonly Layer[];
  /** Whether it was launched from an image that its provider keeps. */
  isFrom?(origin: Origin): boolean;
  status(): Promise<MachineStatus>;
  /** Identity of the present boot. @throws {BootlaceError} `E_MACHINE_STATE` when it does not run. */
  boot(signal?: AbortSignal): Promise<string>;
  /** @throws {BootlaceError} `E_MACHINE_STATE` when it does not run; what connecting throws. */
  session(signal?: AbortSignal): Promise<Session>;
  start(signal?: AbortSignal): Promise<void>;
  /** Ends everything in order (TERM, grace, KILL). Does nothing to a machine that is stopped. */
  stop(): Promise<Stopped>;
  /** Asks for another boot and does not wait for it; its end is seen by {@link Machine.boot}. */
  reboot(signal?: AbortSignal): Promise<void>;
  /** What a person may want to know of how it runs: its acceleration. */
  detail?(): Promise<string | undefined>;
  /** How long another boot may take from when it was asked for, in milliseconds. */
  readonly rebootWithin: number;
  /**
   * Makes an image from the stopped machine: a file in `folder`, or one that its provider keeps.
   *
   * @param progress per cent, where the provider knows.
   */
  capture(folder: string, signal?: AbortSignal, progress?: (percent: number) => void): Promise<Captured>;
  /** Whether a capture was begun that goes on without the desk: {@link Machine.capture} then waits for it. */
  isCaptureBegun?(): Promise<boolean>;
  /** What a capture of the stopped machine would hold, for verify clean; undefined where there is nothing to look at. */
  contents(signal?: AbortSignal): Promise<Contents | undefined>;
  /** Its disk never lies at the desk: verify clean searches it from inside, before it stops. */
  readonly searchedInside?: boolean;
  /** Removes the machine and all that was made for it. Does nothing to one that is gone. */
  dispose(): Promise<void>;
  /** Path of the file that holds the console's output; undefined where the desk has none. */
  readonly console: string | undefined;
  /** Brings that file up to date, where the console is somewhere else. */
  refreshConsole?(): Promise<void>;
  /** A kept build's machine may stay longer. */
  extend?(expires: number): Promise<void>;
  /** Values that belong to this one machine and may not be in its image, with their names. */
  identity(): Promise<readonly NamedValue[]>;
}

/** Where a stopped machine's content lies at the desk. */
export type Contents =
  /** What it adds to its base, as files. */
  | { readonly kind: "folder"; readonly path: string }
  /** Its disk as a raw file, and which parts of it were written since its base; free space is not among them. */
  | { readonly kind: "disk"; readonly path: string; readonly written: readonly Range[] };

export interface NamedValue {
  readonly name: string;
  readonly value: string;
}

export interface Captured {
  /** Absent: its provider keeps the image, and `origin` names it. */
  readonly layer?: Layer;
  readonly parents: readonly Layer[];
  readonly origin: Origin;
  /** What its provider keeps of it, where that is known. */
  readonly bytes?: number;
}

/** An image that was made by hand, as its provider describes it. */
export interface Adopted {
  readonly origin: Origin;
  readonly arch: string;
  /** Milliseconds since 1970. */
  readonly created: number;
  readonly bytes?: number;
  /** What is odd about it, for a person. */
  readonly warnings: readonly string[];
}

/** An image that was proven, and what bootlace.yaml has of it. */
export interface PublishedImage {
  /** `web/2026…`. */
  readonly name: string;
  readonly project: string;
  /** Milliseconds since 1970. */
  readonly created: number;
  readonly origin: Origin;
  readonly copies: readonly ImageCopy[];
  readonly hardware: Hardware;
}

/** The same image in another region. */
export interface ImageCopy {
  readonly region: string;
  readonly origin: Origin;
}

export interface Publishing {
  /** Tells of a part that takes its time, and how far it is in per cent. */
  readonly step: (step: string, act: (progress: (percent: number) => void) => Promise<void>) => Promise<void>;
  /** Called when a copy can be used, before it counts as one that stays. */
  readonly onCopy: (copy: ImageCopy) => Promise<void>;
  readonly signal: AbortSignal;
}

/** All layers of an image, base one first; none where its provider keeps it. */
export function layersOf({ parents, layer }: Captured): readonly Layer[] {
  return layer ? [...parents, layer] : parents;
}

export interface WantedBase {
  readonly arch?: Hardware["arch"];
  readonly hardware?: Hardware;
  readonly signal?: AbortSignal;
}

/** Ids of the builds of this desk. */
export interface BuildsHere {
  /** Nobody will come back for them. */
  readonly over: readonly string[];
  /** They are worked on, or were kept: nothing of theirs is left over, however long they take. */
  readonly living: readonly string[];
}

/** Something that a build left at its provider, and how to remove it. */
export interface Leftover {
  /** `instance i-0123… of build-web-2026…`. */
  readonly what: string;
  remove(): Promise<void>;
}

/** Makes machines of one kind. */
export interface Provider {
  readonly name: string;
  /** What `needs:` may name and no machine of this kind has. */
  readonly lacks: readonly string[];
  /** Its machines share this computer's ports: two with one service on a port get in each other's way. */
  readonly sharesPorts?: boolean;
  /** What its machines can start from. */
  readonly bases: readonly Base["kind"][];
  /** What they start from where nobody says. */
  readonly defaultBase: Base;
  /** @throws {BootlaceError} when this desk cannot have such machines; asked before anything is fetched for one. */
  assertAvailable(): Promise<void>;
  /** Digest of what a base is now; part of an image's key. */
  baseState(base: Base, wanted?: WantedBase): Promise<string>;
  /** Which settings make another image of the same content: they are part of its key. */
  imageSettings?(hardware: Hardware): Readonly<Record<string, unknown>> | undefined;
  /** What an image of it was made from, for a person; absent: what it noted is shown as it is. */
  describeOrigin?(origin: Origin): string;
  /** What the provider calls an image that it keeps, for a person: `ami-0123… in eu-west-1`. */
  locate?(origin: Origin): string;
  /** What the provider's own tools call such an image: `ami-0123…`. */
  imageId?(origin: Origin): string | undefined;
  /** @throws {BootlaceError} when this computer cannot do it, or the name is taken. */
  launch(spec: LaunchSpec, signal?: AbortSignal): Promise<Machine>;
  /** A machine launched earlier, by whichever process; undefined when there is none of that name. */
  find(dir: string, name: string): Promise<Machine | undefined>;
  /**
   * What lies about for images that nobody uses any more, as absolute paths that may be removed.
   *
   * @param used digests of the layers that images and machines of the project stand on.
   */
  unused(dir: string, used: ReadonlySet<string>): Promise<readonly string[]>;
  /**
   * For images that the provider keeps: the image is no build's to remove any more, because it was proven, or because
   * somebody is to look at why it was not.
   */
  keepImage?(origin: Origin, state: "good" | "quarantined"): Promise<void>;
  /**
   * Makes what is asked of a proven image beyond its being there: copies in regions, who may use it, its dates. Does
   * only what is missing, so it may be called again.
   */
  publishImage?(image: PublishedImage, tools: Publishing): Promise<void>;
  /**
   * What stands on an image that the provider keeps, beside this desk's machines: running machines, templates, groups;
   * for a person.
   */
  usersOf?(origin: Origin): Promise<readonly string[]>;
  /** Tells the provider that nothing new is to be made from an image; undefined: that it may be again. @param at milliseconds since 1970. */
  deprecateImage?(origin: Origin, at: number | undefined): Promise<void>;
  /** Gives an image that the provider keeps a person's own tags; an empty value takes one away. */
  tagImage?(origin: Origin, tags: Readonly<Record<string, string>>): Promise<void>;
  /** An image that is at the provider. @throws {BootlaceError} when it is not, or not this account's to use. */
  adoptImage?(id: string, region: string | undefined, login: string | undefined): Promise<Adopted>;
  /** Whether an image that the provider should keep is there no more: somebody else removed it. */
  isImageGone?(origin: Origin): Promise<boolean>;
  /** Removes an image that the provider keeps. Does nothing to one that is gone. */
  removeImage?(origin: Origin): Promise<void>;
  /**
   * What the project's builds left at the provider, in the order in which it can be removed: what expired, and what is
   * of builds that are over.
   */
  leftovers?(dir: string, now: number, builds: BuildsHere): Promise<readonly Leftover[]>;
}

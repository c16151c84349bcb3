import { join } from "node:path";
import type { Purpose } from "../../../stage2/index.ts";
import type { Layer } from "../machine.ts";
import { machineFolder } from "../machine-folder.ts";
import type { ProcessIdentity } from "../process-identity.ts";
import type { ChosenAccel } from "./accel.ts";
import type { GuestArch } from "./arch.ts";

/** `direct`: QEMU loads kernel and initrd from the desk. `disk`: the disk boots itself, and cloud-init makes it ours. */
export type BootWay = "direct" | "disk";

/** A disk in the desk's cache, named by its digest. */
export interface BaseDisk {
  /** SHA-256 of the file, hex. */
  readonly digest: string;
  readonly format: "qcow2" | "raw";
  readonly boot: BootWay;
}

/** `spec.json`: what a virtual machine is, fixed at launch. */
export interface QemuSpec {
  readonly provider: "qemu";
  readonly name: string;
  readonly id: string;
  readonly purpose: Purpose;
  readonly hostname: string;
  readonly arch: GuestArch;
  /** Bytes. */
  readonly memory: number;
  readonly cpus: number;
  /** Bytes; absent: as large as what is below. */
  readonly disk?: number;
  readonly login: string;
  readonly ports: readonly string[];
  readonly accel: "auto" | "kvm" | "hvf" | "tcg";
  readonly args: readonly string[];
  readonly mac: string;
  readonly base: BaseDisk;
  /** What the base was made from, for a person. */
  readonly from?: string;
  /** Images of the project above the base, base one first; absolute paths at launch. */
  readonly layers: readonly Layer[];
}

/** What it may take, in milliseconds; without it what is usual for the acceleration. */
export interface QemuPace {
  /** A boot, until somebody is let in. */
  readonly bootWithin?: number;
  /** A guest that is asked to end, until its power is cut. */
  readonly stopWithin?: number;
}

/** `state.json`: there while QEMU runs. */
export interface QemuState {
  readonly process: ProcessIdentity;
  /** Of 127.0.0.1, forwarded to the guest's 22. */
  readonly port: number;
  /** Where this start's output begins in the console's file, in bytes. */
  readonly consoleFrom: number;
  readonly accel: ChosenAccel;
}

/** Paths of one virtual machine, all in its folder. */
export interface QemuFiles {
  readonly folder: string;
  readonly spec: string;
  readonly state: string;
  readonly console: string;
  /** What QEMU itself says. */
  readonly log: string;
  readonly disk: string;
  readonly kernel: string;
  readonly initrd: string;
  readonly userKey: string;
  /** A host key that the desk plants; only where cloud-init makes the machine ours. */
  readonly hostKey: string;
  readonly seed: string;
  /** The machine-id that the guest told. */
  readonly known: string;
}

export function qemuFiles(folder: string): QemuFiles {
  const file = (name: string) => join(folder, name);
  return {
    folder,
    spec: file("spec.json"),
    state: file("state.json"),
    console: file("console.log"),
    log: file("qemu.log"),
    disk: file("disk.qcow2"),
    kernel: file("kernel"),
    initrd: file("initrd"),
    userKey: file("id_ed25519"),
    hostKey: file("host_ed25519"),
    seed: file("seed"),
    known: file("known.json"),
  };
}

export const filesOf = (dir: string, name: string): QemuFiles => qemuFiles(machineFolder(dir, name));

/** What a disk below another is called where qcow2's header names it: by digest, so no path of the desk is in an image. */
export const diskName = (digest: string, format: "qcow2" | "raw"): string => `${digest}.${format}`;

/** Name and format of what lies right below a machine's own disk. */
export function topOf({ base, layers }: Pick<QemuSpec, "base" | "layers">): { name: string; format: "qcow2" | "raw" } {
  const top = layers.at(-1);
  if (top) return { name: diskName(top.digest, "qcow2"), format: "qcow2" };
  return { name: diskName(base.digest, base.format), format: base.format };
}

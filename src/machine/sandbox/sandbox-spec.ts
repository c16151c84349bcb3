import { join } from "node:path";
import type { Purpose } from "../../../stage2/index.ts";
import type { Layer } from "../machine.ts";
import { machineFolder } from "../machine-folder.ts";
import type { ProcessIdentity } from "../process-identity.ts";

/** `spec.json`: what a sandbox is, fixed at launch. */
export interface SandboxSpec {
  readonly provider: "sandbox";
  readonly name: string;
  readonly id: string;
  readonly machineId: string;
  readonly purpose: Purpose;
  readonly hostname: string;
  /** The lowest layer: `/` or a root tree. */
  readonly root: string;
  readonly rootState: string;
  /** Base one first. */
  readonly layers: readonly Layer[];
  /** Folder on a file system that can hold overlays; the machine's part is in `machines/<id>`. */
  readonly depot: string;
  readonly stack: Stack;
}

/**
 * `flat`: one overlay. `nested`: the root is covered by an overlay of its own first, because the kernel refuses a
 * lower layer that lies inside another one (ELOOP), and a depot on the root's file system lies inside `/`.
 */
export type Stack = "flat" | "nested";

/** `state.json`: there while it runs. */
export interface SandboxState {
  readonly supervisor: ProcessIdentity;
  /** PID 1 of the sandbox, as the host counts. */
  readonly init: ProcessIdentity;
  readonly port: number;
  readonly boot: string;
}

/** Paths of one sandbox. */
export interface SandboxFiles {
  readonly folder: string;
  readonly spec: string;
  readonly state: string;
  readonly console: string;
  readonly log: string;
  readonly hostKey: string;
  readonly userKey: string;
}

export function sandboxFiles(folder: string): SandboxFiles {
  const file = (name: string) => join(folder, name);
  return {
    folder,
    spec: file("spec.json"),
    state: file("state.json"),
    console: file("console.log"),
    log: file("supervisor.log"),
    hostKey: file("host_ed25519"),
    userKey: file("id_ed25519"),
  };
}

export const filesOf = (dir: string, name: string): SandboxFiles => sandboxFiles(machineFolder(dir, name));

/** The machine's folder in its depot: upper, work, mask, root. */
export const storageOf = (spec: SandboxSpec): string => join(spec.depot, "machines", spec.id);

/** Where a layer lies unpacked, shared by all machines of the depot. */
export const unpackedLayer = (depot: string, digest: string): string => join(depot, "layers", digest);

import type { Purpose } from "../../stage2/index.ts";
import type { Session } from "../session/session.ts";

/** What a machine starts from. */
export type Base =
  /** This very computer's root, copy-on-write (sandbox). */
  | { readonly kind: "host" }
  /** A root file system in a folder (sandbox). */
  | { readonly kind: "root"; readonly path: string }
  /** An image of the project: its layers, the base one first, over what the first of them was made on. */
  | { readonly kind: "layers"; readonly root: string; readonly rootState: string; readonly layers: readonly Layer[] };

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
}

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
  status(): Promise<MachineStatus>;
  /** Identity of the present boot. @throws {BootlaceError} `E_MACHINE_STATE` when it does not run. */
  boot(): Promise<string>;
  /** @throws {BootlaceError} `E_MACHINE_STATE` when it does not run; what connecting throws. */
  session(signal?: AbortSignal): Promise<Session>;
  start(signal?: AbortSignal): Promise<void>;
  /** Ends everything in order (TERM, grace, KILL). Does nothing to a machine that is stopped. */
  stop(): Promise<void>;
  /** Makes an image file in `folder` from the stopped machine. */
  capture(folder: string): Promise<Captured>;
  /** What a capture would hold and the base does not, as a folder of the desk; for verify clean. */
  changes(): string | undefined;
  /** Removes the machine and all that was made for it. Does nothing to one that is gone. */
  dispose(): Promise<void>;
  /** Path of the file that holds the console's output. */
  readonly console: string;
  /** Values that belong to this one machine and may not be in its image, with their names. */
  identity(): Promise<readonly NamedValue[]>;
}

export interface NamedValue {
  readonly name: string;
  readonly value: string;
}

export interface Captured {
  readonly layer: Layer;
  readonly parents: readonly Layer[];
  readonly root: string;
  readonly rootState: string;
}

/** Makes machines of one kind. */
export interface Provider {
  readonly name: string;
  /** What `needs:` may name and no machine of this kind has. */
  readonly lacks: readonly string[];
  /** @throws {BootlaceError} when this desk cannot have such machines; asked before anything is fetched for one. */
  assertAvailable(): Promise<void>;
  /** Digest of what a base is now; part of an image's key. */
  baseState(base: Base): Promise<string>;
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
}

import type { Packed } from "../bundle/pack.ts";
import runtimes from "./runtimes.json" with { type: "json" };

export type RuntimeArch = "x86_64" | "arm64";

/** What this version of Bootlace ships as runtime for one architecture; docs/store.md "Runtimes" says what is pinned. */
export interface PinnedRuntime {
  /** As pointers name it: `linux-x64-glibc`. */
  readonly platform: string;
  /** The npm package that carries the binary, with its version. */
  readonly package: string;
  readonly packageSha256: string;
  readonly binarySha256: string;
  /** The blob that is made of it. Known beforehand, since packing is deterministic: no need to fetch what a store has. */
  readonly packed: Omit<Packed, "file">;
}

/** The runtime for an architecture, without fetching anything. */
export function pinnedRuntime(arch: RuntimeArch): PinnedRuntime {
  return runtimes[arch];
}

/** Architecture of the desk itself. Machines of another kind are named by the project. */
export function deskArch(): RuntimeArch {
  return process.arch === "arm64" ? "arm64" : "x86_64";
}

import { createHash } from "node:crypto";
import { join, resolve } from "node:path";

/** Where everything of Bootlace stands on a machine, all under one root. */
export interface Paths {
  readonly root: string;
  /** `/var/lib/bootlace` */
  readonly lib: string;
  readonly journal: string;
  readonly lock: string;
  readonly lineage: string;
  readonly current: string;
  /** Why the last boot did not bring what the channel points to: text, written by stage1; absent when it did. */
  readonly degraded: string;
  /** `channel=` and `services=` as the instance's tags have them, where boot.conf believes them; written by stage1. */
  readonly tags: string;
  /** `/var/lib/bootlace/trust`: the pointer accepted last, of each channel. */
  readonly acceptedPointers: string;
  readonly bundles: string;
  readonly runtimes: string;
  readonly artifacts: string;
  readonly state: string;
  readonly runs: string;
  readonly destroy: string;
  readonly handoff: string;
  /** `/etc/bootlace/services`: roots, one a line. */
  readonly services: string;
  /** `/etc/bootlace/trust`: public keys. */
  readonly trustedKeys: string;
  /** `/usr/lib/bootlace`: the stage1 that is installed. */
  readonly stage1: string;
  /** Gone with the boot; secrets are only put here when it is a tmpfs. */
  readonly volatile: string;
  readonly seed: string;
}

/** @param root may be relative to the working folder. */
export function pathsUnder(root: string): Paths {
  return absolutePaths(resolve(root));
}

function absolutePaths(root: string): Paths {
  const lib = join(root, "var/lib/bootlace");
  const volatile = join(process.getuid?.() === 0 ? "/" : root, "run/bootlace", ownFolder(root));
  return {
    root,
    lib,
    journal: join(lib, "journal"),
    lock: join(lib, "lock"),
    lineage: join(lib, "lineage"),
    current: join(lib, "current"),
    degraded: join(lib, "degraded"),
    tags: join(lib, "tags"),
    acceptedPointers: join(lib, "trust"),
    bundles: join(lib, "bundles"),
    runtimes: join(lib, "runtimes"),
    artifacts: join(lib, "artifacts"),
    state: join(lib, "state"),
    runs: join(lib, "runs"),
    destroy: join(lib, "destroy"),
    handoff: join(lib, "handoff"),
    services: join(root, "etc/bootlace/services"),
    trustedKeys: join(root, "etc/bootlace/trust"),
    stage1: join(root, "usr/lib/bootlace"),
    volatile,
    seed: join(root, "run/bootlace/seed"),
  };
}

/** Runs under different roots share a computer's memory, not a folder in it. */
function ownFolder(root: string): string {
  return root === "/" ? "." : `root-${createHash("sha256").update(root).digest("hex").slice(0, 12)}`;
}

/** A service's name as part of a file's name: `bootlace/apache` → `bootlace~apache`. */
export function fileName(name: string): string {
  return name.replaceAll("/", "~");
}

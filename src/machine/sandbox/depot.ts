import { createHash } from "node:crypto";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { join } from "node:path";
import { BootlaceError } from "../../../stage2/index.ts";
import { runLocal } from "../run-local.ts";
import { probeCommand } from "./commands.ts";
import { claimFolder } from "./own-folder.ts";
import type { Stack } from "./sandbox-spec.ts";

export interface Depot {
  readonly folder: string;
  readonly stack: Stack;
}

/** Where a project's layers may lie: its own folder, a disk's folder open to all, memory. */
export function depotsOf(dir: string): readonly string[] {
  const key = createHash("sha256").update(dir).digest("hex").slice(0, 12);
  return [join(dir, ".bootlace", "sandbox"), `/var/tmp/bootlace-sandbox-${key}`, `/dev/shm/bootlace-sandbox-${key}`];
}

/**
 * A folder where overlays over `root` work. The project's own `.bootlace` where its file system can do it
 * (an overlay itself cannot hold an upper layer, nor can NFS or most shared folders), else /var/tmp, else memory. One that
 * somebody else has prepared is passed over.
 *
 * @throws {BootlaceError} `E_SANDBOX_UNAVAILABLE` with what the kernel said for each.
 */
export async function findDepot(dir: string, root: string): Promise<Depot> {
  const said: string[] = [];
  for (const depot of depotsOf(dir)) {
    for (const stack of ["flat", "nested"] as const) {
      const fault = await probe(depot, stack === "flat" ? ["mask", root] : [root]);
      if (fault === undefined) return { folder: depot, stack };
      said.push(`${depot}: ${fault}`);
    }
  }
  throw new BootlaceError(
    "E_SANDBOX_UNAVAILABLE",
    `No folder here can hold a copy-on-write layer over ${root}\n${said.join("\n")}`,
    {
      hint: "Put the project on a local file system (ext4, xfs, btrfs), or run where root may mount overlays.",
    },
  );
}

async function probe(depot: string, lower: readonly string[]): Promise<string | undefined> {
  let folder: string | undefined;
  try {
    await claimFolder(depot);
    folder = await mkdtemp(join(depot, "probe-"));
    for (const name of ["upper", "work", "mask", "root"]) await mkdir(join(folder, name));
    const tried = await runLocal(probeCommand(lower), { cwd: folder });
    return tried.exit === 0 ? undefined : tried.stderr.trim();
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  } finally {
    if (folder) await rm(folder, { recursive: true, force: true });
  }
}

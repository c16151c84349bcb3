import { constants } from "node:fs";
import { access, readFile } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { BootlaceError } from "../../../stage2/index.ts";

const TOOLS = ["unshare", "nsenter", "setpriv", "mount", "umount", "pivot_root", "tar"] as const;
/** Folders without which a root is none; on a file system of their own they are missing from a layer over `/`. */
const PARTS = ["/usr", "/etc", "/var", "/lib", "/bin", "/sbin"];

/**
 * @param root what the sandbox is to stand on, where that is known already.
 * @throws {BootlaceError} `E_SANDBOX_UNAVAILABLE`, naming the first thing that is missing and what to do.
 */
export async function assertSandboxAvailable(root?: string): Promise<void> {
  const refuse = (message: string, hint: string) => {
    throw new BootlaceError("E_SANDBOX_UNAVAILABLE", message, { hint });
  };
  if (process.platform !== "linux")
    refuse(`A sandbox needs Linux; this is ${process.platform}`, "Use a Linux machine, or a VM with one.");
  if (process.geteuid?.() !== 0)
    refuse("A sandbox needs root, to mount and to make namespaces", "Run the same command with sudo.");
  for (const tool of TOOLS)
    if (!(await onPath(tool)))
      refuse(`A sandbox needs ${tool}, which is not on the PATH`, "Install util-linux and tar.");
  if (root !== "/") return;
  const mounts = (await readFile("/proc/self/mounts", "utf8")).split("\n").map((line) => line.split(" ")[1] ?? "");
  const apart = PARTS.find((part) => mounts.includes(part));
  if (apart)
    refuse(
      `A sandbox over this computer would miss ${apart}, which is a file system of its own`,
      "Use a root tree instead: `from: {root: DIR}` with the folder that debootstrap made.",
    );
}

async function onPath(tool: string): Promise<boolean> {
  for (const folder of (process.env.PATH ?? "").split(delimiter).concat("/usr/sbin", "/sbin")) {
    try {
      await access(join(folder, tool), constants.X_OK);
      return true;
    } catch {
      // Not in this one.
    }
  }
  return false;
}

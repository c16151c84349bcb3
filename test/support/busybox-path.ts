import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";

/** A PATH whose tools are all busybox's, but for node (and curl, which busybox has no part in). */
export function busyboxPath(home: string): string {
  const folder = join(home, "busybox-bin");
  if (!existsSync(folder)) {
    mkdirSync(folder);
    const busybox = execFileSync("sh", ["-c", "command -v busybox"]).toString().trim();
    for (const tool of execFileSync(busybox, ["--list"]).toString().trim().split("\n")) {
      symlinkSync(busybox, join(folder, tool));
    }
    symlinkSync(process.execPath, join(folder, "node"));
  }
  return folder;
}

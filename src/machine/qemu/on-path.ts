import { constants } from "node:fs";
import { access } from "node:fs/promises";
import { delimiter, join } from "node:path";

/** Whether a program can be found, also where only root's PATH leads: debootstrap and mkfs lie in /usr/sbin. */
export async function onPath(tool: string): Promise<boolean> {
  for (const folder of (process.env.PATH ?? "").split(delimiter).concat("/usr/sbin", "/sbin")) {
    const there = await access(join(folder, tool), constants.X_OK).then(
      () => true,
      () => false,
    );
    if (there) return true;
  }
  return false;
}

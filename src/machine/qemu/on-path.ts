import { constants } from "node:fs";
import { access } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { toolEnvironment } from "../run-local.ts";

/** Whether a program can be found by what runs it. */
export async function onPath(tool: string): Promise<boolean> {
  for (const folder of (toolEnvironment().PATH ?? "").split(delimiter)) {
    const there = await access(join(folder, tool), constants.X_OK).then(
      () => true,
      () => false,
    );
    if (there) return true;
  }
  return false;
}

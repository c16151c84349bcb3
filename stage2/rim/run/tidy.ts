import { rmdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { memoryFolder } from "../memory.ts";
import type { Paths } from "../paths.ts";

/** Takes away what a run has put into memory; a root of its own leaves no folder behind, unless secrets lie there. */
export function tidyVolatile(paths: Paths, run: string): void {
  rmSync(join(paths.volatile, "out", run), { recursive: true, force: true });
  if (paths.root === "/") return;
  rmSync(join(paths.volatile, "apt.conf"), { force: true });
  const memory = memoryFolder(paths);
  const folders = [join(paths.volatile, "out"), paths.volatile, ...(memory === undefined ? [] : [memory])];
  for (const folder of folders) {
    try {
      rmdirSync(folder);
    } catch {
      // Not empty, or gone already.
    }
  }
}

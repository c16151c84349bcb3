import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";

/** Gives the desk a cache of its own until the test ends; answers the folder that stands for `~/.cache`. */
export function ownCache(): string {
  const { XDG_CACHE_HOME } = process.env;
  const folder = mkdtempSync(join(tmpdir(), "bootlace-cache-"));
  process.env.XDG_CACHE_HOME = folder;
  onTestFinished(() => {
    if (XDG_CACHE_HOME === undefined) delete process.env.XDG_CACHE_HOME;
    else process.env.XDG_CACHE_HOME = XDG_CACHE_HOME;
    rmSync(folder, { recursive: true, force: true });
  });
  return folder;
}

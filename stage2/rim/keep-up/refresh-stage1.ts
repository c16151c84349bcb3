import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Paths } from "../paths.ts";

/**
 * Installs the stage1 of this bundle, with its boot hook, in place of an older one: a new folder, then one rename of the
 * link (`stage1/install`). A bundle that was rolled back to never brings an older stage1. A machine where none is
 * installed gets none.
 *
 * @returns why it could not be done; undefined when it was, or need not be.
 */
export function refreshStage1(paths: Paths, bundleDir: string): string | undefined {
  const ours = join(bundleDir, "stage1");
  if (!existsSync(join(paths.stage1, "stage1")) || !existsSync(join(ours, "install"))) return undefined;
  const [installed, brought] = [versionOf(paths.stage1), versionOf(ours)];
  const order = compareVersions(brought, installed);
  if (order < 0 || (order === 0 && sameFiles(ours, paths.stage1))) return undefined;
  const { status, stderr, error } = spawnSync("sh", [join(ours, "install"), "--root", paths.root], {
    encoding: "utf8",
    env: { PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin" },
    stdio: ["ignore", "ignore", "pipe"],
  });
  if (status === 0) return undefined;
  return `stage1 ${installed} could not be replaced by ${brought}: ${error?.message ?? stderr.trim().split("\n").at(-1)}`;
}

function versionOf(folder: string): string {
  return /^VERSION=(\S+)$/m.exec(readFileSync(join(folder, "stage1"), "utf8"))?.[1] ?? "0.0.0";
}

/** Of `1.20.3` and its like; what comes after the numbers does not count. */
function compareVersions(a: string, b: string): number {
  const [left, right] = [a, b].map((text) => text.split(".").map((part) => Number.parseInt(part, 10) || 0));
  for (const [at, part] of (left ?? []).entries()) {
    const difference = part - (right?.[at] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

function sameFiles(from: string, to: string): boolean {
  return readdirSync(from).every((name) => {
    const there = join(to, name);
    return existsSync(there) && readFileSync(join(from, name)).equals(readFileSync(there));
  });
}

import { existsSync, readFileSync } from "node:fs";
import { parseRoots, resolveRoots } from "../plan/roots.ts";
import type { Project } from "../types/service.ts";
import { readKeyValues } from "./facts.ts";
import type { Paths } from "./paths.ts";

/**
 * Services that a run on this machine is for.
 *
 * @param asked on the command line; `+NAME` adds to what the machine has by itself.
 */
export function rootsOn(paths: Paths, project: Project, asked: readonly string[]): string[] {
  const own = existsSync(paths.services) ? parseRoots(readFileSync(paths.services, "utf8")) : [];
  return resolveRoots([asked, taggedRoots(paths), own, project.roots]);
}

/** `bootlace:services` of the instance, names with blanks between (a tag's value can hold no commas). */
function taggedRoots(paths: Paths): string[] {
  return (readKeyValues(paths.tags).get("services") ?? "").split(/\s+/).filter((name) => name !== "");
}

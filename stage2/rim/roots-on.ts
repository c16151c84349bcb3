import { existsSync, readFileSync } from "node:fs";
import { bareName, parseRoots, resolveRoots } from "../plan/roots.ts";
import type { Project } from "../types/service.ts";
import { readKeyValues } from "./facts.ts";
import type { Paths } from "./paths.ts";

/**
 * Services that a run on this machine is for. A name in a tag or in `/etc/bootlace/services` that no service has is left
 * out: a slip there, or a service that was renamed, must not keep the others from booting.
 *
 * @param asked on the command line; `+NAME` adds to what the machine has by itself.
 */
export function rootsOn(paths: Paths, project: Project, asked: readonly string[]): string[] {
  // What was asked for on the command line is not passed over: it is refused.
  const wanted = new Set(asked.map(bareName));
  const unknown = new Set(unknownRoots(paths, project).filter((name) => !wanted.has(name)));
  return resolveRoots([asked, taggedRoots(paths), ownRoots(paths), project.roots], unknown);
}

/** Names that the instance's tag or `/etc/bootlace/services` ask for and no service of the project has. */
export function unknownRoots(paths: Paths, project: Project): string[] {
  const known = new Set(project.services.map(({ name }) => name));
  return [...taggedRoots(paths), ...ownRoots(paths)].map(bareName).filter((name) => !known.has(name));
}

function ownRoots(paths: Paths): string[] {
  return existsSync(paths.services) ? parseRoots(readFileSync(paths.services, "utf8")) : [];
}

/** `bootlace:services` of the instance, names with blanks between (a tag's value can hold no commas). */
function taggedRoots(paths: Paths): string[] {
  return (readKeyValues(paths.tags).get("services") ?? "").split(/\s+/).filter((name) => name !== "");
}

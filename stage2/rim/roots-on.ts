import { existsSync, readFileSync } from "node:fs";
import { type OwnRoots, rootsFrom, strangersIn } from "../plan/roots-from.ts";
import type { Project } from "../types/service.ts";
import type { Paths } from "./paths.ts";

/** Services that a run on this machine is for; {@link rootsFrom} has the rule. */
export function rootsOn(paths: Paths, project: Project, asked: readonly string[]): string[] {
  return rootsFrom(ownRoots(paths), project, asked);
}

/** Names that the instance's tag or `/etc/bootlace/services` ask for and no service of the project has. */
export function unknownRoots(paths: Paths, project: Project): string[] {
  return strangersIn(ownRoots(paths), project);
}

const ownRoots = (paths: Paths): OwnRoots => ({ services: text(paths.services), tags: text(paths.tags) });

const text = (path: string): string | undefined => (existsSync(path) ? readFileSync(path, "utf8") : undefined);

import type { Project } from "../types/service.ts";
import { keyValues } from "./facts-from.ts";
import { bareName, parseRoots, resolveRoots } from "./roots.ts";

/** What a machine asks for by itself, as text: `/etc/bootlace/services`, and what stage1 wrote of the instance's tags. */
export interface OwnRoots {
  readonly services?: string | undefined;
  readonly tags?: string | undefined;
}

/**
 * Services that a run is for. A name in a tag or in `/etc/bootlace/services` that no service has is left out: a slip
 * there, or a service that was renamed, must not keep the others from booting.
 *
 * @param asked on the command line; `+NAME` adds to what the machine has by itself.
 */
export function rootsFrom(own: OwnRoots, project: Project, asked: readonly string[]): string[] {
  // What was asked for on the command line is not passed over: it is refused.
  const wanted = new Set(asked.map(bareName));
  const unknown = new Set(strangersIn(own, project).filter((name) => !wanted.has(name)));
  return resolveRoots([asked, tagged(own), parseRoots(own.services ?? ""), project.roots], unknown);
}

/** Names that the machine itself asks for and no service of the project has. */
export function strangersIn(own: OwnRoots, project: Project): string[] {
  const known = new Set(project.services.map(({ name }) => name));
  return [...tagged(own), ...parseRoots(own.services ?? "")].map(bareName).filter((name) => !known.has(name));
}

/** `bootlace:services` of the instance, names with blanks between (a tag's value can hold no commas). */
const tagged = ({ tags = "" }: OwnRoots): string[] =>
  (keyValues(tags).get("services") ?? "").split(/\s+/).filter((name) => name !== "");

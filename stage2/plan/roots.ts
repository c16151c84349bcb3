/**
 * Which services are asked for: the first source that names any decides; a `+NAME` adds to the next source instead of
 * replacing it.
 *
 * @param sources from the strongest: command line, allowed tag, `/etc/bootlace/services`, the project's default.
 * @param unknown names that are left out; a source that holds nothing else decides all the same.
 */
export function resolveRoots(
  sources: readonly (readonly string[])[],
  unknown: ReadonlySet<string> = new Set(),
): string[] {
  const roots = new Set<string>();
  for (const source of sources) {
    for (const name of source.map(bareName)) if (!unknown.has(name)) roots.add(name);
    if (source.some((name) => !name.startsWith("+"))) break;
  }
  return [...roots];
}

/** Of `+NAME` and `NAME`. */
export const bareName = (name: string): string => name.replace(/^\+/, "");

/** Names in a file with one a line; `#` begins a comment. */
export function parseRoots(text: string): string[] {
  return text.split("\n").flatMap((line) => line.replace(/#.*/, "").trim() || []);
}

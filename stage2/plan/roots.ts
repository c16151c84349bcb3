/**
 * Which services are asked for: the first source that names any decides; a `+NAME` adds to the next source instead of
 * replacing it.
 *
 * @param sources from the strongest: command line, allowed tag, `/etc/bootlace/services`, the project's default.
 */
export function resolveRoots(sources: readonly (readonly string[])[]): string[] {
  const roots = new Set<string>();
  for (const source of sources) {
    for (const name of source) roots.add(name.replace(/^\+/, ""));
    if (source.some((name) => !name.startsWith("+"))) break;
  }
  return [...roots];
}

/** Names in a file with one a line; `#` begins a comment. */
export function parseRoots(text: string): string[] {
  return text.split("\n").flatMap((line) => line.replace(/#.*/, "").trim() || []);
}

import { type FSWatcher, lstatSync, readdirSync, watch } from "node:fs";
import { join } from "node:path";

/**
 * Calls `onChange` after each change of a file or folder below `dir`, until what it answers is called. Links are not
 * followed; folders that begin with a dot and packages are not looked at.
 *
 * `fs.watch(…, {recursive: true})` would look into them all the same, and where a folder goes away while it looks (the
 * desk's own `.bootlace` has many of those) it throws past its caller: nodejs/node, lib/internal/fs/recursive_watch.js.
 *
 * @param onError gets what keeps a folder from being watched later on, such as the system's limit of watches.
 * @throws what keeps `dir` itself from being watched.
 */
export function watchTree(dir: string, onChange: () => void, onError: (error: unknown) => void): () => void {
  const watchers = new Map<string, FSWatcher>();
  const drop = (path: string): void => {
    for (const [at, watcher] of watchers) {
      if (at !== path && !at.startsWith(`${path}/`)) continue;
      watcher.close();
      watchers.delete(at);
    }
  };
  const look = (path: string): void => {
    const watcher = watch(path, (kind, name) => {
      if (name === null || isIgnored(name)) return;
      onChange();
      // A rename may have put another folder in this one's place, which the old watch does not see.
      if (kind === "rename") attempt(() => again(join(path, name)));
    });
    watcher.on("error", () => drop(path));
    watchers.set(path, watcher);
    // Only now, so that a folder that is made meanwhile is seen by the one or by the other.
    for (const entry of readdirSync(path, { withFileTypes: true }))
      if (entry.isDirectory() && !isIgnored(entry.name)) attempt(() => again(join(path, entry.name)));
  };
  const again = (path: string): void => {
    drop(path);
    if (lstatSync(path).isDirectory()) look(path);
  };
  const attempt = (act: () => void): void => {
    try {
      act();
    } catch (error) {
      if (!isGone(error)) onError(error);
    }
  };
  look(dir);
  return () => drop(dir);
}

const isIgnored = (name: string): boolean => /^\.|~$/.test(name) || name === "node_modules";

/** What went away between being named and being looked at is no fault: its going is a change of its own. */
const isGone = (error: unknown): boolean =>
  error instanceof Error && "code" in error && (error.code === "ENOENT" || error.code === "ENOTDIR");

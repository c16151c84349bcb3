import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { BundleFile } from "../bundle/bundle-file.ts";
import { packageRoot } from "../cli/package-root.ts";
import { VERSION } from "../cli/version.ts";
import type { LoadedProject } from "./loaded.ts";
import { type Stamps, stampNow } from "./stamps.ts";

/** Raise it whenever the compiled form or the meaning of a stamp changes. */
const FORMAT = 1;

interface Stored extends Omit<LoadedProject, "files"> {
  readonly key: string;
  readonly stamps: readonly (readonly [string, string])[];
  readonly files: readonly { path: string; mode: 0o644 | 0o755; file?: string; base64?: string }[];
}

/** The stamp of our own build stands in for the version where somebody works on Bootlace itself. */
const keyOf = (dir: string): string => {
  const root = packageRoot();
  return JSON.stringify([FORMAT, VERSION, root.href, stampNow(fileURLToPath(new URL("dist", root))), dir]);
};
const fileOf = (dir: string): string => join(dir, ".bootlace/cache/compiled.json");

/** The compiled form when nothing that went in has changed since, else undefined. Any doubt means undefined. */
export function readCache(dir: string): LoadedProject | undefined {
  try {
    const stored: Stored = JSON.parse(readFileSync(fileOf(dir), "utf8"));
    if (stored.key !== keyOf(dir)) return undefined;
    for (const [path, stamp] of stored.stamps) if (stampNow(path) !== stamp) return undefined;
    const { dir: root, config, project, artifacts, warnings } = stored;
    return { dir: root, config, project, artifacts, warnings, files: stored.files.map(fromStored) };
  } catch {
    return undefined;
  }
}

/** Keeps the compiled form; a project on a read-only file system works without. */
export function writeCache(loaded: LoadedProject, stamps: Stamps): void {
  const stored: Stored = {
    key: keyOf(loaded.dir),
    stamps: stamps.entries,
    ...loaded,
    files: loaded.files.map(toStored),
  };
  const file = fileOf(loaded.dir);
  try {
    mkdirSync(join(loaded.dir, ".bootlace/cache"), { recursive: true });
    writeFileSync(`${file}.${process.pid}.new`, JSON.stringify(stored));
    renameSync(`${file}.${process.pid}.new`, file);
  } catch {
    // Slower next time, nothing else.
  }
}

const toStored = ({ path, mode, content }: BundleFile): Stored["files"][number] =>
  "file" in content
    ? { path, mode, file: content.file }
    : { path, mode, base64: Buffer.from(content.bytes).toString("base64") };

const fromStored = ({ path, mode, file, base64 = "" }: Stored["files"][number]): BundleFile => ({
  path,
  mode,
  content: file === undefined ? { bytes: Buffer.from(base64, "base64") } : { file },
});

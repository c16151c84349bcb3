import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import type { BuildFailure, BuildResult } from "esbuild";
import type { Place } from "../../stage2/index.ts";
import type { Stamps } from "./stamps.ts";

type BundledScript = { readonly bytes: Uint8Array } | { readonly message: string; readonly place?: Place };
/** By the script's absolute path at the desk. */
export type BundledScripts = ReadonlyMap<string, BundledScript>;

interface CacheEntry {
  /** Absolute path → SHA-256 of all that went in, npm packages included. */
  readonly inputs: Readonly<Record<string, string>>;
  readonly text: string;
}

/**
 * Bundles `.ts` and `.mjs` scripts with what they import into one file each, for Node 20 and later. Results are kept
 * by the content of all inputs.
 *
 * @param files Absolute paths.
 * @param projectDir Absolute; results are kept in its `.bootlace/cache/`, and messages name files from there.
 */
export async function bundleScripts(
  files: readonly string[],
  projectDir: string,
  stamps: Stamps,
): Promise<BundledScripts> {
  const results = new Map<string, BundledScript>();
  const cacheDir = join(projectDir, ".bootlace/cache/scripts");
  for (const file of new Set(files)) {
    const cacheFile = join(cacheDir, `${hash(file)}.json`);
    const cached = readCached(cacheFile);
    const entry = cached ?? (await bundleOne(file, projectDir));
    if ("message" in entry) {
      results.set(file, entry);
      continue;
    }
    for (const input of Object.keys(entry.inputs)) stamps.add(input);
    if (cached === undefined) writeCached(cacheFile, entry);
    results.set(file, { bytes: Buffer.from(entry.text) });
  }
  return results;
}

const hash = (content: string | Uint8Array): string => createHash("sha256").update(content).digest("hex");

const FORMAT = 1;

function readCached(cacheFile: string): CacheEntry | undefined {
  if (!existsSync(cacheFile)) return undefined;
  try {
    const entry: CacheEntry & { format?: number } = JSON.parse(readFileSync(cacheFile, "utf8"));
    if (entry.format !== FORMAT) return undefined;
    const fresh = Object.entries(entry.inputs).every(
      ([path, digest]) => existsSync(path) && hash(readFileSync(path)) === digest,
    );
    return fresh ? entry : undefined;
  } catch {
    // A half-written cache is no cache.
    return undefined;
  }
}

function writeCached(cacheFile: string, entry: CacheEntry): void {
  try {
    mkdirSync(dirname(cacheFile), { recursive: true });
    writeFileSync(`${cacheFile}.${process.pid}.new`, JSON.stringify({ format: FORMAT, ...entry }));
    renameSync(`${cacheFile}.${process.pid}.new`, cacheFile);
  } catch {
    // A project on a read-only file system is checked all the same.
  }
}

async function bundleOne(file: string, projectDir: string): Promise<CacheEntry | { message: string; place?: Place }> {
  const { build } = await import("esbuild");
  try {
    // The folder is part of comments that esbuild writes; relative to the script they are the same on each desk.
    const absWorkingDir = dirname(file);
    const result: BuildResult<{ metafile: true; write: false }> = await build({
      entryPoints: [file],
      absWorkingDir,
      bundle: true,
      platform: "node",
      format: "esm",
      target: "node20",
      write: false,
      metafile: true,
      logLevel: "silent",
      legalComments: "none",
      outfile: "out.mjs",
      tsconfigRaw: "{}",
    });
    const inputs = Object.keys(result.metafile.inputs).map((path) => resolve(absWorkingDir, path));
    const text = result.outputFiles[0]?.text ?? "";
    return {
      inputs: Object.fromEntries(
        inputs.filter((path) => existsSync(path)).map((path) => [path, hash(readFileSync(path))]),
      ),
      // CommonJS packages call require(), which an ES module does not have by itself.
      text: text.includes("Dynamic require of") ? REQUIRE + text : text,
    };
  } catch (error) {
    return failure(error, dirname(file), projectDir);
  }
}

const REQUIRE =
  'import { createRequire as __createRequire } from "node:module";\nconst require = __createRequire(import.meta.url);\n';

function failure(error: unknown, folder: string, projectDir: string): { message: string; place?: Place } {
  const first = isBuildFailure(error) ? error.errors[0] : undefined;
  if (first === undefined) throw error;
  const { location, text } = first;
  const message = text.replace(/\.$/, "");
  if (!location) return { message };
  const { line, column, length, lineText } = location;
  const place = {
    file: shownPath(resolve(folder, location.file), projectDir),
    line,
    column: column + 1,
    length: Math.max(1, length),
    source: lineText,
  };
  return { message, place };
}

const shownPath = (file: string, projectDir: string): string => {
  const path = relative(projectDir, file);
  return path.startsWith("..") ? file : path;
};

const isBuildFailure = (error: unknown): error is BuildFailure =>
  error instanceof Error && "errors" in error && Array.isArray(error.errors);

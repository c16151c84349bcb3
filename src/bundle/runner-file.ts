import { existsSync, readdirSync, statSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { BuildOptions } from "esbuild";
import { packageRoot } from "../cli/package-root.ts";
import options from "./runner-build.json" with { type: "json" };

let built: Promise<Uint8Array> | undefined;

/**
 * The bytes of the runner, `stage2.mjs`: the built file of the package or, in a checkout whose sources are newer, a
 * build in memory with the options that scripts/build.mjs uses too (so both are the same bytes).
 */
export function runnerFile(): Promise<Uint8Array> {
  built ??= readOrBuild();
  return built;
}

async function readOrBuild(): Promise<Uint8Array> {
  const root = fileURLToPath(packageRoot());
  const dist = join(root, "dist", "stage2.mjs");
  const sources = join(root, "stage2");
  if (existsSync(dist) && !(existsSync(sources) && newest(sources) > statSync(dist).mtimeMs)) return readFile(dist);
  // Loaded only here: an installed package never needs it, and it takes 20 ms.
  const { build } = await import("esbuild");
  const result = await build({
    ...(options as BuildOptions),
    absWorkingDir: root,
    write: false,
  });
  const [file] = result.outputFiles;
  if (file === undefined) throw new Error("esbuild made no file of stage2/main.ts");
  return file.contents;
}

function newest(folder: string): number {
  return Math.max(
    0,
    ...readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => statSync(join(entry.parentPath, entry.name)).mtimeMs),
  );
}

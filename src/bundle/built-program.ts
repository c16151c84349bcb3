import { existsSync, readdirSync, statSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { BuildOptions } from "esbuild";
import { packageRoot } from "../cli/package-root.ts";

export interface ProgramOfMachines {
  /** In dist/. */
  readonly file: string;
  /** Folders of the checkout that it is made from. */
  readonly sources: readonly string[];
  /** esbuild's; scripts/build.mjs uses the same, so both ways give the same bytes. */
  readonly options: object;
}

const built = new Map<string, Promise<Uint8Array>>();

/** A program that runs on machines: the built file of the package or, in a checkout whose sources are newer, a build in memory. */
export function builtProgram(program: ProgramOfMachines): Promise<Uint8Array> {
  const bytes = built.get(program.file) ?? readOrBuild(program);
  built.set(program.file, bytes);
  return bytes;
}

async function readOrBuild({ file, sources, options }: ProgramOfMachines): Promise<Uint8Array> {
  const root = fileURLToPath(packageRoot());
  const dist = join(root, "dist", file);
  const newest = Math.max(...sources.map((folder) => newestIn(join(root, folder))));
  if (existsSync(dist) && newest <= statSync(dist).mtimeMs) return readFile(dist);
  // Loaded only here: an installed package never needs it, and it takes 20 ms.
  const { build } = await import("esbuild");
  const result = await build({ ...(options as BuildOptions), absWorkingDir: root, write: false });
  const [made] = result.outputFiles ?? [];
  if (made === undefined) throw new Error(`esbuild made nothing of dist/${file}`);
  return made.contents;
}

/** Zero where there are no sources. */
function newestIn(folder: string): number {
  if (!existsSync(folder)) return 0;
  return Math.max(
    0,
    ...readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => statSync(join(entry.parentPath, entry.name)).mtimeMs),
  );
}

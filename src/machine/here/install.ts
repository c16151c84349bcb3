import { existsSync } from "node:fs";
import { copyFile, mkdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { BootlaceError, type Paths } from "../../../stage2/index.ts";
import { artifactFile } from "../../artifacts/artifact-file.ts";
import { artifactLines } from "../../bundle/artifacts-list.ts";
import { packBundle } from "../../bundle/pack.ts";
import { writeTree } from "../../bundle/write-tree.ts";
import type { LoadedProject } from "../../project/loaded.ts";
import { deskArch } from "../../runtime/pinned.ts";
import { writeDurably } from "../../store/write-blob.ts";

export interface Installed {
  /** The unpacked bundle. */
  readonly folder: string;
  readonly digest: string;
}

/**
 * Puts bundle and artifacts where the machine's code looks for them.
 *
 * @throws {BootlaceError} `E_STATE` when the folder of the machine's state cannot be used.
 */
export async function install(loaded: LoadedProject, paths: Paths): Promise<Installed> {
  const { digest } = await packBundle(loaded);
  const folder = join(paths.bundles, digest);
  const usable = new Set(
    artifactLines(loaded.project)
      .filter(({ arch }) => arch === "any" || arch === deskArch())
      .map((line) => line.digest),
  );
  return usingState(paths, async () => {
    await mkdir(paths.bundles, { recursive: true });
    await mkdir(paths.artifacts, { recursive: true });
    if (!existsSync(folder)) {
      const beside = `${folder}.new-${process.pid}`;
      await rm(beside, { recursive: true, force: true });
      await writeTree(loaded, beside);
      await rename(beside, folder);
    }
    for (const artifact of loaded.artifacts.filter(({ digest }) => usable.has(digest))) {
      const to = join(paths.artifacts, artifact.digest);
      if (existsSync(to)) continue;
      await copyFile(await artifactFile(artifact), `${to}.new-${process.pid}`);
      await rename(`${to}.new-${process.pid}`, to);
    }
    return { folder, digest };
  });
}

/** Records which bundle this machine runs, as stage1 would. @throws {BootlaceError} `E_STATE`. */
export async function recordCurrent(paths: Paths, digest: string): Promise<void> {
  await usingState(paths, () => writeDurably(paths.current, Buffer.from(`bundle=${digest}\nruntime=system\n`)));
}

async function usingState<T>(paths: Paths, act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (cause) {
    if (cause instanceof BootlaceError) throw cause;
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new BootlaceError("E_STATE", `The state folder ${paths.lib} cannot be used: ${why}`, {
      cause,
      hint: "Run as root, or keep the state elsewhere with --root DIR.",
    });
  }
}

import { mkdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { deskCache } from "../cli/desk-cache.ts";
import { asDeskFilesError } from "../cli/desk-files-error.ts";
import { hashStream } from "./hash-file.ts";

/** Where fetched artifacts are kept: `$XDG_CACHE_HOME/bootlace/artifacts`, by default below `~/.cache`. */
export const artifactCache = (): string => deskCache("artifacts");

/** The path of a blob in the cache, when it is there and is what its name says: it may be years old. */
export async function cachedArtifact(digest: string, bytes: number): Promise<string | undefined> {
  const file = join(artifactCache(), digest);
  const found = await stat(file).catch(() => undefined);
  if (!found?.isFile() || found.size !== bytes) return undefined;
  return (await hashStream(file)).digest === digest ? file : undefined;
}

/** Makes the cache's folder. @throws {BootlaceError} `E_DESK_FILES` when it cannot be made. */
export async function makeArtifactCache(): Promise<string> {
  const folder = artifactCache();
  try {
    // Sources may be private.
    await mkdir(folder, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw asDeskFilesError(error, "Set XDG_CACHE_HOME to a folder that you can write.");
  }
  return folder;
}

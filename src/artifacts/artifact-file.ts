import { BootlaceError } from "../../stage2/index.ts";
import type { ArtifactSource } from "../project/loaded.ts";
import { cachedArtifact } from "./cache.ts";
import type { Fetching } from "./fetching.ts";
import { LOCK_FILE } from "./lock-file.ts";
import { obtain } from "./obtain.ts";
import { shownSource } from "./remote-source.ts";

/**
 * A file at the desk with the artifact's bytes. One from elsewhere is fetched when the desk's cache lacks it, and must be
 * what bootlace.lock names.
 *
 * @returns absolute path.
 * @throws {BootlaceError} `E_ARTIFACT_GET` when it cannot be fetched; `E_ARTIFACT_CHANGED` when other bytes come;
 *   `E_ARTIFACT_DIGEST` when bootlace.lock names another length than the bytes of that digest have.
 */
export async function artifactFile(artifact: ArtifactSource, fetching: Fetching = {}): Promise<string> {
  const { file: source, digest, bytes } = artifact;
  if (typeof source === "string") return source;
  const cached = await cachedArtifact(digest, bytes);
  if (cached !== undefined) return cached;
  const got = await obtain(source, { digest, bytes }, fetching);
  if (got.digest === digest) {
    if (got.bytes === bytes) return got.file;
    // Bundles and stores take the length from the lock, and machines would find a blob that is too short or too long.
    throw new BootlaceError(
      "E_ARTIFACT_DIGEST",
      `${LOCK_FILE} names ${bytes} bytes for ${shownSource(source)}, the file of that digest has ${got.bytes}`,
      { hint: `Somebody changed the line in ${LOCK_FILE}: undo that, or run \`bootlace lock --update\`.` },
    );
  }
  throw new BootlaceError(
    "E_ARTIFACT_CHANGED",
    `${shownSource(source)} has changed: ${LOCK_FILE} names ${digest} (${bytes} bytes), ${got.digest} (${got.bytes} bytes) came`,
  );
}

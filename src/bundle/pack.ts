import { createHash } from "node:crypto";
import { join } from "node:path";
import { writeBlob } from "../store/write-blob.ts";
import { type BundleInput, bundleFiles } from "./bundle-files.ts";
import { gzip } from "./gzip.ts";
import { readContent } from "./read-content.ts";
import { refusePrivateKeys } from "./refuse-private-keys.ts";
import { tarStream } from "./tar-stream.ts";

/** A blob at the desk and what a channel pointer says of it. */
export interface Packed {
  /** SHA-256 of the tar.gz, hex. */
  readonly digest: string;
  /** Length of the tar.gz. */
  readonly bytes: number;
  /** Length of the tar stream in it: machines cut decompression there. */
  readonly unpackedBytes: number;
  /** Absolute path of the tar.gz. */
  readonly file: string;
}

/** A project's bundle, packed. */
export type Bundle = Packed;

/**
 * Packs a project into its bundle, kept as `<project>/.bootlace/cache/bundles/<digest>.tar.gz`.
 * Same project, same version of Bootlace: same bytes, whatever the machine.
 *
 * @throws {BootlaceError} `E_BUNDLE_NAME` or `E_BUNDLE_LIMIT` for what no machine would accept; `E_KEY_IN_BUNDLE`.
 */
export async function packBundle(loaded: BundleInput): Promise<Bundle> {
  const files = await readContent(await bundleFiles(loaded));
  await refusePrivateKeys(loaded.dir, files);
  const tar = tarStream(files);
  const blob = await gzip(tar, 6);
  const digest = createHash("sha256").update(blob).digest("hex");
  const file = join(loaded.dir, ".bootlace", "cache", "bundles", `${digest}.tar.gz`);
  await writeBlob(file, blob);
  return { digest, bytes: blob.length, unpackedBytes: tar.length, file };
}

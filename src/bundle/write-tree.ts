import { chmod, mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { type BundleInput, bundleFiles } from "./bundle-files.ts";
import { readContent } from "./read-content.ts";
import { tarStream } from "./tar-stream.ts";

/**
 * Writes what {@link packBundle} would pack into `folder` (made when missing), for a run without a tarball.
 *
 * @throws {BootlaceError} the same as packBundle: what cannot be packed is not run either.
 */
export async function writeTree(loaded: BundleInput, folder: string): Promise<void> {
  const files = await readContent(await bundleFiles(loaded));
  tarStream(files);
  for (const { path, mode, bytes } of files) {
    const to = join(folder, path);
    await mkdir(dirname(to), { recursive: true, mode: 0o755 });
    await writeFile(to, bytes);
    // writeFile's mode goes through the umask and is ignored for a file that exists.
    await chmod(to, mode);
  }
}

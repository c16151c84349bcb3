import { chmod, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { dirname } from "node:path/posix";
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
  // Checks names and bounds; the stream itself is not needed.
  tarStream(files);
  const folders = new Set<string>();
  for (const { path, mode, bytes } of files) {
    const to = join(folder, path);
    await mkdir(dirname(to), { recursive: true });
    for (let at = dirname(path); at !== "."; at = dirname(at)) folders.add(at);
    await writeFile(to, bytes);
    // writeFile's mode goes through the umask and is ignored for a file that exists.
    await chmod(to, mode);
  }
  for (const at of folders) await chmod(join(folder, at), 0o755);
}

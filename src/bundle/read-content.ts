import { readFile } from "node:fs/promises";
import type { BundleFile } from "./bundle-file.ts";
import type { TarFile } from "./tar-stream.ts";

/** Reads the files of a bundle into memory, in order, one at a time: a project may have more files than descriptors. */
export async function readContent(files: readonly BundleFile[]): Promise<readonly TarFile[]> {
  const read: TarFile[] = [];
  for (const { path, mode, content } of files) {
    read.push({ path, mode, bytes: "bytes" in content ? content.bytes : await readFile(content.file) });
  }
  return read;
}

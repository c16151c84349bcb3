import { stage1Files } from "../bundle/bundle-files.ts";
import { gzip } from "../bundle/gzip.ts";
import { readContent } from "../bundle/read-content.ts";
import { type TarFile, tarStream } from "../bundle/tar-stream.ts";

/** stage1 and more files as a tar.gz; the same files, the same bytes. */
export async function stage1Archive(more: readonly TarFile[] = []): Promise<Buffer> {
  return gzip(tarStream([...(await readContent(await stage1Files())), ...more]), 6);
}

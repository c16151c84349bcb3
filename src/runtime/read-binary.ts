import { list } from "tar";

/** Bytes of one file of a tarball, read into memory without unpacking the rest. @throws {Error} when it is not in there. */
export async function readBinary(tarball: string, path: string): Promise<Buffer> {
  const parts: Buffer[] = [];
  let found = false;
  await list({
    file: tarball,
    filter: (name) => name === path,
    onReadEntry: (entry) => {
      found = true;
      entry.on("data", (part: Buffer) => parts.push(part));
    },
  });
  if (!found) throw new Error(`${tarball} does not hold ${path}`);
  return Buffer.concat(parts);
}

import { createHash, randomBytes } from "node:crypto";
import { createReadStream } from "node:fs";
import { mkdir, open, rename, rm, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { assertSame } from "./check-file.ts";
import type { LocalBlob } from "./store.ts";
import { syncFolder } from "./write-blob.ts";

/**
 * Copies a blob of any size to `to`, checking digest and length on the way; `to` appears only when all is right.
 *
 * @throws {BootlaceError} `E_STORE_DAMAGED` when the file is not what its digest says: it changed since it was read.
 */
export async function copyBlob(
  blob: LocalBlob,
  to: string,
  onBytes: (sent: number) => void = () => {},
): Promise<"sent" | "there"> {
  if ((await stat(to).catch(() => undefined))?.size === blob.bytes) return "there";
  await mkdir(dirname(to), { recursive: true });
  const beside = `${to}.${process.pid}.${randomBytes(4).toString("hex")}.new`;
  const hash = createHash("sha256");
  let bytes = 0;
  try {
    const handle = await open(beside, "wx", 0o644);
    try {
      for await (const chunk of createReadStream(blob.file, { highWaterMark: 1024 * 1024 })) {
        const part: Buffer = chunk;
        hash.update(part);
        bytes += part.length;
        await handle.writeFile(part);
        onBytes(bytes);
      }
      await handle.sync();
    } finally {
      await handle.close();
    }
    assertSame(blob, hash.digest("hex"), bytes);
    await rename(beside, to);
  } catch (error) {
    await rm(beside, { force: true });
    throw error;
  }
  await syncFolder(dirname(to));
  return "sent";
}

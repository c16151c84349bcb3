import { mkdtemp, open, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { BootlaceError } from "../../../stage2/index.ts";
import { hashStream } from "../../artifacts/hash-file.ts";
import { cachedDisk, makeCacheFolder } from "./cache.ts";
import type { BaseDisk } from "./qemu-spec.ts";
import { runTool } from "./run-tool.ts";

/** First bytes of what disk images are often packed in: gzip, xz, zstd, bzip2, zip. */
const PACKED: readonly (readonly [string, string])[] = [
  ["1f8b", "gunzip"],
  ["fd377a585a00", "unxz"],
  ["28b52ffd", "unzstd"],
  ["425a68", "bunzip2"],
  ["504b0304", "unzip"],
];

/**
 * A disk image at the desk, copied into the cache under its digest: machines go on standing on it when the file is
 * changed. One that stands on other files is made whole.
 *
 * @param file absolute path, qcow2 or raw.
 * @throws {BootlaceError} `E_QEMU_BASE` when it is neither.
 */
export async function fileBase(file: string, signal?: AbortSignal): Promise<BaseDisk> {
  const { format, backed } = await inspect(file, signal);
  const disks = await makeCacheFolder("disks");
  if (!backed) {
    const { digest } = await hashStream(file);
    const base: BaseDisk = { digest, format, boot: "disk" };
    if (await stat(cachedDisk(base)).catch(() => undefined)) return base;
  }
  const work = await mkdtemp(join(disks, "making-"));
  try {
    const copy = join(work, "disk");
    const command = backed
      ? ["qemu-img", "convert", "-O", format, file, copy]
      : ["cp", ...(process.platform === "linux" ? ["--reflink=auto", "--sparse=always"] : []), file, copy];
    await runTool(command, { code: "E_QEMU_BASE", signal });
    return await keepDisk(copy, format);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

/** Moves a disk that lies in the cache's file system to its place there. */
export async function keepDisk(file: string, format: "qcow2" | "raw"): Promise<BaseDisk> {
  const { digest } = await hashStream(file);
  const base: BaseDisk = { digest, format, boot: "disk" };
  await rename(file, cachedDisk(base));
  return base;
}

interface Inspected {
  readonly format: "qcow2" | "raw";
  readonly backed: boolean;
}

/** @throws {BootlaceError} `E_QEMU_BASE`. */
export async function inspect(file: string, signal?: AbortSignal): Promise<Inspected> {
  const head = await firstBytes(file);
  const packed = PACKED.find(([magic]) => head.startsWith(magic));
  if (packed)
    throw new BootlaceError("E_QEMU_BASE", `${file} is a packed file, expected qcow2 or raw`, {
      hint: `Unpack it first: ${packed[1]} ${file}`,
    });
  const said = await runTool(["qemu-img", "info", "--output=json", file], { code: "E_QEMU_BASE", signal });
  const info = JSON.parse(said) as { readonly format: string; readonly "backing-filename"?: string };
  const { format } = info;
  if (format !== "qcow2" && format !== "raw")
    throw new BootlaceError("E_QEMU_BASE", `${file} is ${format}, expected qcow2 or raw`, {
      hint: `Make it qcow2: qemu-img convert -O qcow2 ${file} disk.qcow2`,
    });
  // Without its own name for it, QEMU would guess a raw disk's format from bytes that the guest can write.
  return { format, backed: info["backing-filename"] !== undefined };
}

async function firstBytes(file: string): Promise<string> {
  try {
    const handle = await open(file);
    try {
      const { buffer, bytesRead } = await handle.read(Buffer.alloc(8), 0, 8, 0);
      return buffer.toString("hex", 0, bytesRead);
    } finally {
      await handle.close();
    }
  } catch (cause) {
    throw new BootlaceError("E_QEMU_BASE", `The disk image ${file} cannot be read: ${(cause as Error).message}`, {
      cause,
    });
  }
}

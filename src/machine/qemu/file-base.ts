import { mkdtemp, open, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { BootlaceError } from "../../../stage2/index.ts";
import { hashStream } from "../../artifacts/hash-file.ts";
import { findVolumes } from "../../disk/volumes.ts";
import { cachedDisk, makeCacheFolder } from "./cache.ts";
import { assertOwnChain, readQcow2Header } from "./disk-chain.ts";
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

/** Less is no disk that anything boots from; bytes. */
const SMALLEST = 1024 ** 2;

/**
 * A disk image at the desk, copied into the cache under its digest: machines go on standing on it when the file is
 * changed. One that stands on other files is made whole.
 *
 * @param file absolute path, qcow2 or raw.
 * @throws {BootlaceError} `E_QEMU_BASE` when it is neither, or stands on what does not lie in its own folder.
 */
export async function fileBase(file: string, signal?: AbortSignal): Promise<BaseDisk> {
  const { format, backed } = await inspect(file, signal);
  if (backed) await assertFormats(file, signal);
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
  const header = await readQcow2Header(file);
  if (header?.external)
    throw new BootlaceError(
      "E_QEMU_BASE",
      `${file} has its content in an external data file, expected one whole file`,
      {
        hint: `Make it one file yourself: qemu-img convert -O qcow2 ${file} whole.qcow2`,
      },
    );
  const [info] = await infoOf(["-U", file], signal);
  const format = info?.format;
  if (format !== "qcow2" && format !== "raw")
    throw new BootlaceError("E_QEMU_BASE", `${file} is ${format}, expected qcow2 or raw`, {
      hint: `Make it qcow2: qemu-img convert -O qcow2 ${file} disk.qcow2`,
    });
  if (format === "raw") await assertRawDisk(file);
  // Without its own name for it, QEMU would guess a raw disk's format from bytes that the guest can write.
  return { format, backed: header?.backing !== undefined };
}

/** Every link is a plain file of the same folder, and of a format that names no further ones but by its header. */
async function assertFormats(file: string, signal: AbortSignal | undefined): Promise<void> {
  await assertOwnChain(file);
  for (const { filename, format } of await infoOf(["-U", "--backing-chain", file], signal))
    if (format !== "qcow2" && format !== "raw")
      throw new BootlaceError(
        "E_QEMU_BASE",
        `${file} stands on ${filename}, which is ${format}, expected qcow2 or raw`,
        {
          hint: `Make it one file yourself: qemu-img convert -O qcow2 ${file} whole.qcow2`,
        },
      );
}

interface Info {
  readonly filename: string;
  readonly format: string;
}

async function infoOf(args: readonly string[], signal: AbortSignal | undefined): Promise<readonly Info[]> {
  const argv = ["qemu-img", "info", "--output=json", ...args];
  const said = JSON.parse(await runTool(argv, { code: "E_QEMU_BASE", signal })) as Info | readonly Info[];
  return [said].flat();
}

/** Any file can be read as a raw disk: what a machine shall boot from has a boot sector, or a file system. */
async function assertRawDisk(file: string): Promise<void> {
  const { size } = await stat(file);
  const mark = size < SMALLEST ? "" : await bytesAt(file, 510, 2);
  if (mark === "55aa") return;
  if (size >= SMALLEST && (await findVolumes(file)).some(({ kind }) => kind !== "other")) return;
  const why = size < SMALLEST ? `has ${size} bytes` : "has neither a boot sector nor a file system";
  throw new BootlaceError("E_QEMU_BASE", `${file} is no disk image: it ${why}`, {
    hint: "A disk image is a qcow2, or the bytes of a disk that boots itself.",
  });
}

/** Reads as hex. */
async function bytesAt(file: string, position: number, length: number): Promise<string> {
  const handle = await open(file);
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(length), 0, length, position);
    return buffer.toString("hex", 0, bytesRead);
  } finally {
    await handle.close();
  }
}

async function firstBytes(file: string): Promise<string> {
  try {
    return await bytesAt(file, 0, 8);
  } catch (cause) {
    throw new BootlaceError("E_QEMU_BASE", `The disk image ${file} cannot be read: ${(cause as Error).message}`, {
      cause,
    });
  }
}

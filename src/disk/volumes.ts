import { type FileHandle, open } from "node:fs/promises";
import { BootlaceError } from "../../stage2/index.ts";

/** A file system on a disk. */
export interface Volume {
  /** Where it begins on the disk, in bytes. */
  readonly start: number;
  /** Bytes. */
  readonly length: number;
  /** `ext` is read further; others are named as far as their first bytes tell. */
  readonly kind: "ext" | "xfs" | "btrfs" | "fat" | "swap" | "lvm" | "luks" | "other";
}

const SECTOR = 512;
/** Types of MBR partitions that hold further ones (util-linux, pt-mbr-partnames.h). */
const EXTENDED = new Set([0x05, 0x0f, 0x85]);
const PROTECTIVE = 0xee;
/** Of a GPT's entries; 128 of 128 bytes are usual. Bytes. */
const MOST_ENTRY = 4096;
const MOST_TABLE = 1024 ** 2;
/** Tables of an extended partition, one for each logical volume. */
const MOST_TABLES = 128;

/**
 * The volumes of a raw disk: those of its GPT (UEFI 2.10, 5.3) or MBR, or the one that lies on it without a table.
 *
 * @param file a raw disk image.
 * @throws {BootlaceError} `E_DISK_UNREADABLE` for a table that cannot be true: its disk's maker decides what it says.
 */
export async function findVolumes(file: string): Promise<readonly Volume[]> {
  const disk = await open(file);
  try {
    const { size } = await disk.stat();
    const parts = (await gptParts(disk, size, file)) ?? (await mbrParts(disk, size, file));
    const found: Volume[] = [];
    for (const { start, length } of parts.length > 0 ? parts : [{ start: 0, length: size }])
      found.push({ start, length, kind: await kindAt(disk, start) });
    return found;
  } finally {
    await disk.close();
  }
}

interface Part {
  readonly start: number;
  readonly length: number;
}

async function gptParts(disk: FileHandle, size: number, file: string): Promise<readonly Part[] | undefined> {
  const header = await read(disk, SECTOR, 92);
  if (header.length < 92 || header.toString("latin1", 0, 8) !== "EFI PART") return undefined;
  const [table, count, entry] = [Number(header.readBigUInt64LE(72)), header.readUInt32LE(80), header.readUInt32LE(84)];
  if (entry < 128 || entry > MOST_ENTRY || (entry & (entry - 1)) !== 0)
    throw refuse(file, `its partition table has entries of ${entry} bytes, expected 128, 256, … ${MOST_ENTRY}`);
  if (count * entry > MOST_TABLE)
    throw refuse(file, `its partition table has ${count * entry} bytes, expected at most ${MOST_TABLE}`);
  if (table * SECTOR + count * entry > size) throw refuse(file, "its partition table lies outside of it");
  const entries = await read(disk, table * SECTOR, count * entry);
  const parts: Part[] = [];
  for (let at = 0; at + entry <= entries.length; at += entry) {
    if (entries.subarray(at, at + 16).every((byte) => byte === 0)) continue;
    const [first, last] = [Number(entries.readBigUInt64LE(at + 32)), Number(entries.readBigUInt64LE(at + 40))];
    if (last < first || (last + 1) * SECTOR > size)
      throw refuse(
        file,
        `partition ${at / entry + 1} goes from sector ${first} to ${last}, the disk to ${size / SECTOR}`,
      );
    parts.push({ start: first * SECTOR, length: (last - first + 1) * SECTOR });
  }
  return parts;
}

async function mbrParts(disk: FileHandle, size: number, file: string): Promise<readonly Part[]> {
  const parts: Part[] = [];
  const seen = new Set<number>();
  const add = async (sector: number, extendedAt: number | undefined): Promise<void> => {
    // A chain of tables may lead back into itself.
    if (seen.has(sector)) return;
    seen.add(sector);
    if (seen.size > MOST_TABLES) throw refuse(file, `its extended partition has more than ${MOST_TABLES} tables`);
    const table = await read(disk, sector * SECTOR, SECTOR);
    if (table.length < SECTOR || table.readUInt16LE(510) !== 0xaa55) return;
    for (let at = 446; at < 510; at += 16) {
      const [type, first, count] = [table[at + 4] ?? 0, table.readUInt32LE(at + 8), table.readUInt32LE(at + 12)];
      if (type === 0 || type === PROTECTIVE || count === 0) continue;
      // A file system's first sector may end like a table: what lies outside of the disk is none.
      if (EXTENDED.has(type)) await add((extendedAt ?? 0) + first, extendedAt ?? first);
      else if ((sector + first + count) * SECTOR <= size)
        parts.push({ start: (sector + first) * SECTOR, length: count * SECTOR });
    }
  };
  await add(0, undefined);
  return parts;
}

const refuse = (file: string, what: string): BootlaceError =>
  new BootlaceError("E_DISK_UNREADABLE", `The disk ${file} cannot be read: ${what}`);

/** By the magic numbers that blkid(8) looks for. */
async function kindAt(disk: FileHandle, start: number): Promise<Volume["kind"]> {
  const head = await read(disk, start, 0x11000);
  const text = (from: number, length: number): string => head.toString("latin1", from, from + length);
  if (head.length > 0x43a && head.readUInt16LE(0x438) === 0xef53) return "ext";
  if (text(0, 4) === "XFSB") return "xfs";
  if (text(0x10040, 8) === "_BHRfS_M") return "btrfs";
  if (text(4086, 10) === "SWAPSPACE2") return "swap";
  if (text(0, 4) === "LUKS") return "luks";
  if (text(512, 8) === "LABELONE") return "lvm";
  if (text(54, 3) === "FAT" || text(82, 3) === "FAT") return "fat";
  return "other";
}

async function read(disk: FileHandle, position: number, length: number): Promise<Buffer> {
  const { buffer, bytesRead } = await disk.read(Buffer.alloc(length), 0, length, position);
  return buffer.subarray(0, bytesRead);
}

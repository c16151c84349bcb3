import { closeSync, ftruncateSync, openSync, writeSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { findVolumes } from "../../../src/disk/volumes.ts";
import { makeProject } from "../../support/small-project.ts";

const MiB = 1024 ** 2;

/** A sparse disk of 8 MiB with bytes at places. */
async function diskWith(...parts: readonly (readonly [number, Buffer])[]): Promise<string> {
  const file = join(await makeProject({}), "disk.raw");
  const disk = openSync(file, "w");
  ftruncateSync(disk, 8 * MiB);
  for (const [at, bytes] of parts) writeSync(disk, bytes, 0, bytes.length, at);
  closeSync(disk);
  return file;
}

interface Gpt {
  readonly table?: number;
  readonly count?: number;
  readonly size?: number;
  readonly first?: number;
  readonly last?: number;
}

function gptDisk({ table = 2, count = 128, size = 128, first = 2048, last = 4095 }: Gpt): Promise<string> {
  const header = Buffer.alloc(92);
  header.write("EFI PART", 0, "latin1");
  header.writeBigUInt64LE(BigInt(table), 72);
  header.writeUInt32LE(count, 80);
  header.writeUInt32LE(size, 84);
  const entry = Buffer.alloc(128, 0);
  entry.fill(1, 0, 32);
  entry.writeBigUInt64LE(BigInt(first), 32);
  entry.writeBigUInt64LE(BigInt(last), 40);
  return diskWith([512, header], [1024, entry]);
}

test("findVolumes() reads a GPT as it should be", async () => {
  expect(await findVolumes(await gptDisk({}))).toEqual([{ start: MiB, length: MiB, kind: "other" }]);
});

test.each([
  ["entries of no bytes", { size: 0 }],
  ["entries of a size that is none of 128, 256, …", { size: 192 }],
  ["entries that are too large", { size: 8192 }],
  ["more entries than a table has", { count: 0xffffffff }],
  ["a table behind its end", { table: 2 ** 40 }],
  ["a partition behind its end", { last: 16384 }],
  ["a partition that ends before it begins", { last: 2047 }],
] as const)("findVolumes() refuses a disk whose GPT has %s", async (_, lie) => {
  await expect(findVolumes(await gptDisk(lie))).rejects.toMatchObject({ code: "E_DISK_UNREADABLE" });
});

/** A sector with a table of entries: type, first sector, sectors. */
function table(...entries: readonly (readonly [number, number, number])[]): Buffer {
  const sector = Buffer.alloc(512);
  for (const [index, [type, first, count]] of entries.entries()) {
    sector[446 + index * 16 + 4] = type;
    sector.writeUInt32LE(first, 446 + index * 16 + 8);
    sector.writeUInt32LE(count, 446 + index * 16 + 12);
  }
  sector.writeUInt16LE(0xaa55, 510);
  return sector;
}

test("findVolumes() follows an extended partition that leads back into itself once", async () => {
  const [at, logical] = [2048, [0x83, 2048, 2048]] as const;
  const loop = table(logical, [5, 0, 1], [5, 4096, 1], [5, 0, 1]);
  const file = await diskWith([0, table([5, at, 8192])], [at * 512, loop], [(at + 4096) * 512, loop]);
  expect(await findVolumes(file)).toEqual([
    { start: 2 * MiB, length: MiB, kind: "other" },
    { start: 4 * MiB, length: MiB, kind: "other" },
  ]);
});

test("findVolumes() refuses an extended partition with more tables than any disk has", async () => {
  const chain = Array.from({ length: 200 }, (_, index) => [(2048 + index) * 512, table([5, index + 1, 1])] as const);
  const file = await diskWith([0, table([5, 2048, 8192])], ...chain);
  await expect(findVolumes(file)).rejects.toMatchObject({ code: "E_DISK_UNREADABLE" });
});

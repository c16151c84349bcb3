/** Offsets of the ELF64 header, elf(5) and the System V gABI, chapter 4. */
const ELF = { class: 4, data: 5, phoff: 0x20, shoff: 0x28, phentsize: 0x36, phnum: 0x38, shnum: 0x3c, shstrndx: 0x3e };

/**
 * Cuts an executable after the last byte that any program segment loads: symbols, debugging information and the section
 * table go, which nothing reads at run time. The same for every 64-bit little-endian machine, and deterministic.
 *
 * @throws {Error} when `bytes` is no such file; callers have checked its digest before.
 */
export function stripElf(bytes: Uint8Array): Buffer {
  const file = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (
    file.length < 64 ||
    file.toString("latin1", 0, 4) !== "\x7fELF" ||
    file[ELF.class] !== 2 ||
    file[ELF.data] !== 1
  ) {
    throw new Error("expected a 64-bit little-endian ELF file");
  }
  const table = Number(file.readBigUInt64LE(ELF.phoff));
  const entry = file.readUInt16LE(ELF.phentsize);
  const count = file.readUInt16LE(ELF.phnum);
  let end = table + entry * count;
  if (entry < 56 || end > file.length) throw new Error("the ELF file has no whole table of program headers");
  for (let at = table; at < table + entry * count; at += entry) {
    end = Math.max(end, Number(file.readBigUInt64LE(at + 0x08) + file.readBigUInt64LE(at + 0x20)));
  }
  if (end > file.length) throw new Error("the ELF file ends before its last segment does");
  const stripped = Buffer.from(file.subarray(0, end));
  stripped.writeBigUInt64LE(0n, ELF.shoff);
  stripped.writeUInt16LE(0, ELF.shnum);
  stripped.writeUInt16LE(0, ELF.shstrndx);
  return stripped;
}

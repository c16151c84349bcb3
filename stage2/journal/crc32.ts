const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte;
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
  return value;
});

/** CRC-32 as in IEEE 802.3 and zlib, as eight hex digits. Own code: `zlib.crc32` is not in Node 20.11. */
export function crc32(text: string): string {
  let crc = 0xffffffff;
  const bytes = Buffer.from(text, "utf8");
  // Indexed on purpose: an iterator over a Buffer is ten times slower, and this runs for each line of the journal.
  for (let at = 0; at < bytes.length; at++) crc = (crc >>> 8) ^ (TABLE[(crc ^ (bytes[at] ?? 0)) & 0xff] ?? 0);
  return ((crc ^ 0xffffffff) >>> 0).toString(16).padStart(8, "0");
}

import { open, realpath } from "node:fs/promises";
import { dirname, join, sep } from "node:path";
import { BootlaceError } from "../../../stage2/index.ts";

/** What a qcow2's header says of other files; read here, since QEMU's own tools open what it names. */
export interface Qcow2Header {
  /** The name of the file that it stands on, as written. */
  readonly backing: string | undefined;
  /** Its content lies in another file. */
  readonly external: boolean;
}

/** "QFI\xfb", and the bit of the incompatible features (QEMU's docs/interop/qcow2.txt). */
const MAGIC = 0x514649fb;
const EXTERNAL = 1n << 2n;
/** A name's bytes, by the same document. */
const LONGEST_NAME = 1023;

/** @returns undefined for what is no qcow2. */
export async function readQcow2Header(file: string): Promise<Qcow2Header | undefined> {
  const handle = await open(file);
  try {
    const { buffer: head, bytesRead } = await handle.read(Buffer.alloc(104), 0, 104, 0);
    if (bytesRead < 72 || head.readUInt32BE(0) !== MAGIC) return undefined;
    const external = head.readUInt32BE(4) >= 3 && (head.readBigUInt64BE(72) & EXTERNAL) !== 0n;
    const [at, length] = [Number(head.readBigUInt64BE(8)), head.readUInt32BE(16)];
    if (at === 0) return { backing: undefined, external };
    if (length > LONGEST_NAME || !Number.isSafeInteger(at))
      throw new BootlaceError("E_QEMU_BASE", `${file} names the file that it stands on by ${length} bytes`);
    const name = await handle.read(Buffer.alloc(length), 0, length, at);
    return { backing: name.buffer.toString("utf8", 0, name.bytesRead), external };
  } finally {
    await handle.close();
  }
}

/**
 * Refuses a disk whose chain leads out of its own folder: whoever made it would choose which of the desk's files get into
 * an image, or which server is asked.
 *
 * @throws {BootlaceError} `E_QEMU_BASE`, naming the file that names another.
 */
export async function assertOwnChain(file: string): Promise<void> {
  const folder = await realpath(dirname(file));
  const seen = new Set<string>();
  for (let at = await realpath(file); ; ) {
    const refuse = (what: string) =>
      new BootlaceError("E_QEMU_BASE", `${at} ${what}`, {
        hint: `If it shall be so, make it one file yourself: qemu-img convert -O qcow2 ${file} whole.qcow2`,
      });
    if (seen.has(at)) throw refuse("stands on itself");
    seen.add(at);
    const header = await readQcow2Header(at);
    if (header?.external) throw refuse("has its content in an external data file");
    const name = header?.backing;
    if (name === undefined) return;
    // As QEMU tells a protocol from a path: a colon before the first slash (also `json:`).
    if (/^[^/]*:/.test(name)) throw refuse(`stands on "${name}", which is no plain file name`);
    const path = name.startsWith("/") ? name : join(dirname(at), name);
    const next = await realpath(path).catch(() => {
      throw refuse(`stands on "${name}", which is not there`);
    });
    if (!next.startsWith(`${folder}${sep}`)) throw refuse(`stands on "${name}", which lies outside of ${folder}`);
    at = next;
  }
}

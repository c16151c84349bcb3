import { Header, type HeaderData } from "tar";

/** Where archives that get away with it leave something. */
export const ESCAPED = "/tmp/bootlace-escaped";

export type HostileEntry = HeaderData & {
  readonly body?: string | Buffer;
  /** Bytes that are laid over the header block, by offset; the checksum is made to fit. */
  readonly patch?: Readonly<Record<number, string | Buffer>>;
};

/** A tar stream of entries that our own packers refuse to write. */
export function tarOf(...entries: readonly HostileEntry[]): Buffer {
  const parts = entries.map(({ body = "", patch = {}, ...data }) => {
    const bytes = Buffer.from(body);
    const header = new Header({
      mode: 0o644,
      uid: 0,
      gid: 0,
      mtime: new Date(0),
      type: "File",
      size: bytes.length,
      ...data,
    });
    header.encode();
    const block = header.block as Buffer;
    for (const [offset, value] of Object.entries(patch)) Buffer.from(value).copy(block, Number(offset));
    if (Object.keys(patch).length > 0) {
      block.fill(" ", 148, 156);
      const sum = block.reduce((all, byte) => all + byte, 0);
      block.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148, "latin1");
    }
    const padded = Buffer.alloc(Math.ceil(bytes.length / 512) * 512);
    bytes.copy(padded);
    return Buffer.concat([block, padded]);
  });
  return Buffer.concat([...parts, Buffer.alloc(1024)]);
}

/** Attributes for the entry after them: pax. */
export function pax(records: Readonly<Record<string, string>>, type: "x" | "g" = "x"): HostileEntry {
  const lines = Object.entries(records).map(([key, value]) => {
    const rest = ` ${key}=${value}\n`;
    const bytes = Buffer.byteLength(rest);
    let length = bytes + 1;
    while (String(length).length + bytes !== length) length = String(length).length + bytes;
    return `${length}${rest}`;
  });
  return { path: "pax", body: lines.join(""), patch: { 156: type } };
}

/** GNU tar's long name for the entry after it. */
export const gnuName = (name: string): HostileEntry => ({
  path: "././@LongLink",
  body: `${name}\0`,
  patch: { 156: "L" },
});

const plain: HostileEntry = { path: "plain", body: "plain\n" };
const link = (path: string, linkpath: string): HostileEntry => ({ path, type: "SymbolicLink", linkpath });
const hard = (path: string, linkpath: string): HostileEntry => ({ path, type: "Link", linkpath });
const file = (path: string, more: Partial<HostileEntry> = {}): HostileEntry => ({ path, body: "x", ...more });
const up = "../../../../../../../../..";

/** What nothing of ours may ever unpack: what it is called, the tar stream, and what the refusal says. */
export const HOSTILE_TARS: readonly (readonly [string, Buffer, RegExp])[] = [
  ["an absolute path", tarOf(plain, file(ESCAPED)), /absolute path/],
  ["a path with ..", tarOf(plain, file(`a/${up}${ESCAPED}`)), /path with \.\./],
  ["a path that is ..", tarOf(plain, { path: "..", type: "Directory" }), /path with \.\./],
  ["an absolute path in pax attributes", tarOf(plain, pax({ path: ESCAPED }), file("b")), /absolute path/],
  ["a path with .. in GNU's long name", tarOf(plain, gnuName(`${up}${ESCAPED}`), file("b")), /path with \.\./],
  ["a name for all entries", tarOf(pax({ path: ESCAPED }, "g"), file("b")), /for all entries/],
  ["a link to a folder outside, and a file below it", tarOf(link("out", "/tmp"), file("out/bootlace-escaped")), /link/],
  ["a relative link that leads out", tarOf(plain, link("a/out", "../../x")), /link/],
  ["a link that goes down and up again", tarOf(link("a/b", ".."), link("c", "a/b/../../x")), /link/],
  ["a file below a link that stays in", tarOf({ path: "d", type: "Directory" }, link("l", "d"), file("l/x")), /link/],
  ["a folder that becomes a link", tarOf({ path: "d", type: "Directory" }, link("d", "."), file("d/x")), /link|twice/],
  ["a link that becomes a folder", tarOf(link("d", "."), { path: "d", type: "Directory" }, file("d/x")), /link|twice/],
  ["a file that becomes a link", tarOf(file("d"), link("d", "plain")), /link|twice/],
  ["a folder in names that becomes a file", tarOf(file("d/x"), file("d")), /twice/],
  ["a file below a file", tarOf(file("d"), file("d/x")), /below a file/],
  ["a hard link to a file outside", tarOf(plain, hard("shadow", "/etc/passwd")), /link/],
  ["a hard link that goes up", tarOf(plain, hard("shadow", `${up}/etc/passwd`)), /link/],
  ["a hard link through a link", tarOf(plain, link("l", "plain"), hard("h", "l")), /link/],
  ["a hard link to what comes later", tarOf(hard("h", "plain"), plain), /link/],
  ["a block device", tarOf(plain, { path: "sda", type: "BlockDevice", devmaj: 8, devmin: 0 }), /device/],
  ["a character device", tarOf(plain, { path: "mem", type: "CharacterDevice", devmaj: 1, devmin: 1 }), /device/],
  ["a fifo", tarOf(plain, { path: "pipe", type: "FIFO" }), /fifo/],
  ["a setuid file", tarOf(plain, file("su", { mode: 0o4755 })), /setuid/],
  ["a setgid file", tarOf(plain, file("su", { mode: 0o2755 })), /setuid/],
  ["a setgid folder", tarOf(plain, { path: "d", type: "Directory", mode: 0o2755 }), /setuid/],
  ["a name with a newline", tarOf(plain, file("a\n-rw-r--r-- 0/0 1 1970-01-01 00:00 b")), /control character/],
  ["a name with an escape sequence", tarOf(plain, file("a\u001b[2Jb")), /control character/],
  ["a name with a control sequence of eight bits", tarOf(plain, file("a\u009b2Jb")), /control character/],
  ["a link to a name with a newline", tarOf(plain, link("l", "a\nb")), /link/],
  ["a NUL in a pax name", tarOf(plain, pax({ path: "a\0b" }), file("b")), /control character/],
  ["a name that is not UTF-8", tarOf(plain, file("a", { patch: { 0: Buffer.from([0x61, 0xff, 0x62]) } })), /not UTF-8/],
  ["a name that is too long", tarOf(plain, pax({ path: "n".repeat(300) }), file("b")), /too long/],
  ["a path that is too deep", tarOf(plain, pax({ path: "d/".repeat(2000) }), file("b")), /too long/],
  ["attributes without end", tarOf(pax({ comment: "c".repeat(100_000) }), file("b")), /attributes/],
  ["attributes that cannot be read", tarOf({ path: "pax", body: "99 path=x\n", patch: { 156: "x" } }), /damaged/],
  ["a sparse file", tarOf(plain, file("s", { patch: { 156: "S" } })), /type/],
  ["a sparse file of pax", tarOf(plain, pax({ "GNU.sparse.major": "1" }), file("s")), /sparse/],
  ["an entry of an unknown type", tarOf(plain, file("v", { patch: { 156: "V" } })), /type/],
  ["a length below nothing", tarOf(plain, file("n", { patch: { 124: Buffer.alloc(12, 0xff) } })), /damaged/],
  ["a length that is never reached", tarOf(plain, file("n", { patch: { 124: "77777777777\0" } })), /cut off|more than/],
  ["a header with a wrong sum", Buffer.concat([tarOf(plain).subarray(0, 1024), Buffer.alloc(512, "x")]), /damaged/],
  ["no end", tarOf(plain).subarray(0, -1024), /cut off/],
  ["half a file", tarOf(file("f", { body: "f".repeat(2000) })).subarray(0, 1024), /cut off/],
  ["rubbish", Buffer.alloc(4096, "rubbish "), /no tar archive/],
  ["nothing", Buffer.alloc(0), /cut off/],
];

/** What is no danger and must be unpacked: links that stay, long names, names twice only as folders. */
export const HARMLESS_TAR = tarOf(
  { path: "./", type: "Directory", mode: 0o755 },
  { path: "./bin/", type: "Directory", mode: 0o755 },
  file("./bin/run", { mode: 0o755, body: "#!/bin/sh\n" }),
  { path: "bin", type: "Directory", mode: 0o755 },
  link("start", "bin/run"),
  link("bin/again", "../bin/./run"),
  hard("copy", "./bin/run"),
  pax({ path: `deep/${"long-".repeat(30)}/${"name-".repeat(40)}ü`, mtime: "1.5" }),
  file("b", { body: "deep\n" }),
  gnuName(`gnu/${"long-".repeat(40)}`),
  file("b", { body: "gnu\n" }),
  pax({ comment: "of git archive" }, "g"),
  file("wide", { mode: 0o666 }),
  file("old", { patch: { 136: Buffer.alloc(12, 0xff) } }),
  file("far", { patch: { 136: Buffer.from("800000000000ffffffffffff", "hex") } }),
);

import { existsSync, readdirSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Header, type HeaderData } from "tar";
import { afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { busyboxPath } from "../support/busybox-path.ts";
import { ensureDebianPackages } from "../support/debian.ts";
import { Stage1Rig } from "../support/stage1-rig.ts";

let rig: Stage1Rig;
beforeAll(() => ensureDebianPackages(["busybox"]));
beforeEach(() => {
  rig = new Stage1Rig();
});
afterEach(() => rig.dispose());

/** A tar stream of entries that our own packer refuses to write. */
function tarOf(...entries: readonly (HeaderData & { readonly body?: string })[]): Buffer {
  const parts: Buffer[] = [];
  for (const { body = "", ...data } of entries) {
    const header = new Header({
      mode: 0o644,
      uid: 0,
      gid: 0,
      mtime: new Date(0),
      type: "File",
      size: body.length,
      ...data,
    });
    header.encode();
    parts.push(header.block as Buffer, Buffer.alloc(Math.ceil(body.length / 512) * 512, 0).fill(body, 0, body.length));
  }
  return Buffer.concat([...parts, Buffer.alloc(1024)]);
}
const runner = { path: "stage2.mjs", body: "process.exit(0)" };

const HOSTILE: readonly (readonly [string, Buffer])[] = [
  ["an absolute path", tarOf(runner, { path: "/tmp/bootlace-escaped", body: "x" })],
  ["a path with ..", tarOf(runner, { path: "a/../../../../../../../tmp/bootlace-escaped", body: "x" })],
  [
    "a symbolic link",
    tarOf(runner, { path: "out", type: "SymbolicLink", linkpath: "/tmp" }, { path: "out/bootlace-escaped", body: "x" }),
  ],
  ["a hard link", tarOf(runner, { path: "shadow", type: "Link", linkpath: "/etc/passwd" })],
  ["a hard link within", tarOf(runner, { path: "again", type: "Link", linkpath: "stage2.mjs" })],
  ["a device", tarOf(runner, { path: "sda", type: "BlockDevice", devmaj: 8, devmin: 0 })],
  ["a fifo", tarOf(runner, { path: "pipe", type: "FIFO" })],
  ["a setuid file", tarOf(runner, { path: "su", mode: 0o4755, body: "x" })],
  ["a file that others may write", tarOf(runner, { path: "open", mode: 0o666, body: "x" })],
  ["another owner", tarOf(runner, { path: "theirs", uid: 1000, gid: 1000, body: "x" })],
  ["a name with a newline", tarOf(runner, { path: "a\n-rw-r--r-- 0/0 1 1970-01-01 00:00 b", body: "x" })],
  [
    "a name with a newline and ..",
    tarOf(runner, { path: "a\n-rw-r--r-- 0/0 1 1970-01-01 00:00 x/../../b", body: "x" }),
  ],
  ["a name with an escape sequence", tarOf(runner, { path: "a\u001b[2Jb", body: "x" })],
  ["rubbish", Buffer.alloc(4096, "rubbish ")],
  ["nothing", Buffer.alloc(0)],
];

describe.each([
  ["GNU tar", () => process.env.PATH ?? ""],
  ["busybox tar", () => busyboxPath(rig.home)],
])("stage1 with %s", (_tools, path) => {
  test.each(HOSTILE)("refuses a bundle that is or holds %s, and runs the last good one", async (_name, tar) => {
    rig.point(rig.putBundle("good"));
    await rig.run();
    const before = readdirSync(join(rig.state, "bundles"));
    rig.point(rig.putTar(tar));
    const { code, stderr } = await rig.run(["sh"], [], { PATH: path() });
    expect({ code, stderr, marks: rig.marks() }).toMatchObject({ code: 0, marks: ["good", "good"] });
    expect(rig.ran()[1]?.degraded).toMatch(
      /is not let in|are let in|not printable ASCII|no tar archive|cannot be unpacked|unpacks to/,
    );
    expect(readdirSync(join(rig.state, "bundles"))).toEqual(before);
    expect(existsSync("/tmp/bootlace-escaped")).toBe(false);
  });

  test("cuts decompression at the size that the pointer names", async () => {
    const bomb = rig.putTar(Buffer.alloc(64 * 1024 * 1024));
    rig.point({ ...bomb, unpackedBytes: 10_240 });
    const { code, stderr } = await rig.run(["sh"], [], { PATH: path() });
    expect({ code, stderr }).toEqual({ code: 5, stderr: expect.stringContaining("unpacks to 10241 bytes or more") });
  });
});

describe("stage1", () => {
  test("refuses a blob that is cut off, and takes it when it is whole again", async () => {
    const bundle = rig.putBundle("one");
    rig.point(bundle);
    truncateSync(join(rig.store, "bundles", `${bundle.digest}.tar.gz`), bundle.bytes - 1);
    expect(await rig.run()).toMatchObject({ code: 5, stderr: expect.stringContaining("is damaged") });
    rig.putBundle("one");
    expect(await rig.run()).toMatchObject({ code: 0 });
  });

  const body = (more = ""): string =>
    `project=shop\nchannel=prod\nepoch=1\nserial=2\ncreated=1\nhandoff=1\nbundle=${"a".repeat(64)} 1 1\n${more}`;
  const pointer = (text: string): string => `bootlace-pointer 1\n\n${text}`;
  test.each([
    ["nothing", "", "it is empty"],
    ["a web page", "<html>\n<body>Sign in</body>\n", 'the first line is not "bootlace-pointer 1"'],
    ["random bytes", "bootlace-pointer 1\n\n\u0000\u0001\u00ff\n", "does not fit what it says"],
    ["NUL bytes in a value", pointer(body().replace("shop", "sh\0op")), ""],
    ["half a last line", pointer(body()).slice(0, -1), "does not fit what it says"],
    ["a key twice", pointer(body("serial=3\n")), "serial stands twice"],
    ["a line without a key", pointer(body("hello\n")), "line 11 is not key=value"],
    ["a key that must be known", pointer(body("must=dance\ndance=1\n")), "without knowing dance"],
    ["a later hand-off", pointer(body().replace("handoff=1", "handoff=2")), "it wants hand-off 2"],
    ["another project's pointer", pointer(body().replace("shop", "shoe")), "for channel prod of project shoe"],
    ["another channel's pointer", pointer(body().replace("prod", "test")), "for channel test of project shop"],
    ["a command for a serial", pointer(body().replace("serial=2", "serial=$(id)")), "no plain number"],
    ["an octal serial", pointer(body().replace("serial=2", "serial=010")), "no plain number"],
    ["a huge serial", pointer(body().replace("serial=2", `serial=${"9".repeat(30)}`)), "no plain number"],
    ["a path for a digest", pointer(body().replace(/bundle=a+/, "bundle=../../etc")), "bundle is not"],
    ["too much", pointer(body(`x=${"y".repeat(9000)}\n`)), "longer than 8192 bytes"],
    ["something before the empty line", `bootlace-pointer 1\nserial=9\n\n${body()}`, "is no signature"],
    ["no empty line", `bootlace-pointer 1\n${body()}`, "signed by nobody"],
  ])("does not accept a pointer that is %s", async (_name, text, why) => {
    rig.pointSigned(text);
    const { code, stderr } = await rig.run();
    expect({ code, stderr }).toEqual({ code: 4, stderr: expect.stringContaining(`is not accepted: `) });
    expect(stderr).toContain(why);
    expect(rig.marks()).toEqual([]);
  });

  test("ignores keys that it does not know, and signatures of keys that it does not trust", async () => {
    const text = rig.point(rig.putBundle("one"));
    const signed = rig.resign(`${text}colour=blue\nmust=bundle\n`);
    rig.pointText(signed.replace("\n\n", "\nsig ../../k1 QUJD\nsig 0123456789abcdef QUJD\n\n"));
    expect(await rig.run()).toMatchObject({ code: 0 });
  });

  test("refuses a floor that somebody damaged rather than start from nothing", async () => {
    rig.point(rig.putBundle("one"));
    await rig.run();
    writeFileSync(join(rig.state, "trust/shop.prod"), "rubbish\n");
    rig.point(rig.putBundle("two"));
    expect(await rig.run()).toMatchObject({ code: 0, stderr: expect.stringContaining("shop.prod cannot be read") });
    expect(rig.marks()).toEqual(["one", "one"]);
  });
});

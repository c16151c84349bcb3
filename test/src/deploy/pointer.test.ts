import { expect, test } from "vitest";
import { encodePointer, type Pointer, parsePointer } from "../../../src/deploy/pointer.ts";

const blob = { digest: "a".repeat(64), bytes: 10, unpackedBytes: 10240 };
const whole: Pointer = {
  project: "shop",
  channel: "prod",
  epoch: 1,
  serial: 57,
  created: 1795000000,
  expires: 1802000000,
  bundle: blob,
  runtimes: { "linux-x64-glibc": { ...blob, digest: "b".repeat(64) }, "linux-arm64-glibc": blob },
  by: "ann@desk",
};

test("encodePointer() writes the form that machines in the field read", () => {
  expect(encodePointer({ ...whole, runtimes: { "linux-x64-glibc": blob } })).toBe(`bootlace-pointer 1

project=shop
channel=prod
epoch=1
serial=57
created=1795000000
expires=1802000000
handoff=1
bundle=${"a".repeat(64)} 10 10240
runtime.linux-x64-glibc=${"a".repeat(64)} 10 10240
by=ann@desk
`);
});

test("parsePointer() reads what encodePointer() wrote, with signatures or without", () => {
  expect(parsePointer(encodePointer(whole))).toEqual(whole);
  expect(parsePointer(encodePointer(whole, Array(4).fill("sig k1 QUJD")))).toEqual(whole);
});

test("encodePointer() keeps a name that is not ASCII from breaking the form", () => {
  expect(parsePointer(encodePointer({ ...whole, by: "zoë\n@desk" })).by).toBe("zo??@desk");
});

const text = encodePointer(whole);
test.each([
  ["an empty text", "", "last line has no end"],
  ["another version", text.replace("pointer 1", "pointer 2"), "first line"],
  ["no empty line", text.replace("\n\n", "\n"), "empty line before the body is missing"],
  ["a strange head", text.replace("\n\n", "\nserial=9\n\n"), "line 2"],
  ["a signature of one word", text.replace("\n\n", "\nsig k1\n\n"), "line 2"],
  ["a signature of three words", text.replace("\n\n", "\nsig k1 QUJD x\n\n"), "line 2"],
  ["a signature with two blanks", text.replace("\n\n", "\nsig k1  QUJD\n\n"), "line 2"],
  ["five signatures", text.replace("\n\n", `${"\nsig k1 QUJD".repeat(5)}\n\n`), "has 5 signatures, at most 4"],
  ["a key twice", `${text}serial=9\n`, "serial stands twice"],
  ["no serial", text.replace("serial=57\n", ""), "serial is missing"],
  ["an octal serial", text.replace("serial=57", "serial=057"), "no plain number"],
  ["a short digest", text.replace("bundle=a", "bundle="), "bundle is not"],
  ["a later hand-off", text.replace("handoff=1", "handoff=2"), "hand-off 2"],
  ["a demand that it does not know", `${text}must=dance\n`, "without knowing dance"],
  ["too much", `${text}x=${"y".repeat(9000)}\n`, "at most 8192"],
  ["a NUL byte", text.replace("shop", "sh\0op"), "printable ASCII"],
])("parsePointer() refuses %s, as stage1 does", (_name, bad, why) => {
  expect(() => parsePointer(bad)).toThrow(
    expect.objectContaining({ code: "E_POINTER", message: expect.stringContaining(why) }),
  );
});

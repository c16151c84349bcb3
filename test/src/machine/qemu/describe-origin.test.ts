import { expect, test } from "vitest";
import { describeBase, describeOrigin } from "../../../../src/machine/qemu/describe-origin.ts";

const origin = { base: "78e01eeb9c12ffff", format: "qcow2", boot: "direct" };

test("describeBase() names a base without the desk's paths and without access data", () => {
  expect(describeBase({ kind: "debian", suite: "bookworm" })).toBe("debian bookworm");
  expect(describeBase({ kind: "file", path: "/home/ann/disk.qcow2" })).toBe("file disk.qcow2");
  expect(describeBase({ kind: "url", url: "https://u:p@x.example/d.qcow2?token=t" })).toBe("https://x.example/d.qcow2");
  expect(describeBase({ kind: "layers", origin: { ...origin, from: "debian trixie" }, layers: [] })).toBe(
    "debian trixie",
  );
});

test("describeOrigin() shows what an image was made from, also of one that did not note it", () => {
  expect(describeOrigin({ ...origin, from: "debian bookworm" })).toBe("debian bookworm (base 78e01eeb9c12)");
  expect(describeOrigin(origin)).toBe("a Debian release (base 78e01eeb9c12)");
});

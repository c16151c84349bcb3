import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Redactor, secretForms } from "../../stage2/execute/redact.ts";

const secret = fc
  .string({ minLength: 6, maxLength: 40, unit: "grapheme-ascii" })
  .filter((text) => text.trim() === text && !"[redacted]".includes(text));

/** Feeds bytes in pieces cut at the given places. */
function through(redactor: Redactor, bytes: Buffer, cuts: readonly number[]): string {
  const places = [...new Set(cuts.map((cut) => cut % (bytes.length + 1)))].sort((a, b) => a - b);
  const pieces = [0, ...places].map((from, index) => bytes.subarray(from, places[index] ?? bytes.length));
  return Buffer.concat([...pieces.map((piece) => redactor.push(piece)), redactor.end()]).toString("utf8");
}

describe("Redactor", () => {
  test("masks a secret wherever chunks cut it, in every form, and leaves the rest as it is", () => {
    fc.assert(
      fc.property(secret, fc.nat(5), fc.array(fc.nat(200)), (value, which, cuts) => {
        const forms = [
          value,
          encodeURIComponent(value),
          JSON.stringify(value).slice(1, -1),
          Buffer.from(value).toString("hex"),
          Buffer.from(value).toString("base64").replace(/=+$/, ""),
          Buffer.from(`ab${value}cd`).toString("base64"),
        ];
        const shown = forms[which]!;
        const out = through(new Redactor([value]), Buffer.from(`before ü\n${shown}\nafter`), cuts);
        for (const form of secretForms(value)) expect(out).not.toContain(form);
        expect(out.startsWith("before ü\n")).toBe(true);
        expect(out.endsWith("\nafter")).toBe(true);
      }),
    );
  });

  test("masks the longer of two secrets that begin alike, wherever the chunks are cut", () => {
    for (let cut = 0; cut <= 30; cut++) {
      const redactor = new Redactor(["hunter22", "hunter22-production"]);
      const out = through(redactor, Buffer.from("x hunter22-production y hunter22 z"), [cut]);
      expect(out).toBe("x [redacted] y [redacted] z");
    }
  });

  test("masks base64 that is wrapped into lines, percent-encoding of every kind, shell quoting and binary secrets", () => {
    const value = "a-long/secret+value with 'spaces' & ünicode?";
    const redactor = new Redactor([value]);
    const wraps = Buffer.from(value).toString("base64").replace(/=+$/, "").replace(/.{20}/g, "$&\n");
    const rfc3986 = encodeURIComponent(value).replace(/[!'()*]/g, (sign) => `%${sign.charCodeAt(0).toString(16)}`);
    const forms = [
      encodeURIComponent(value),
      encodeURIComponent(value).replace(/%../g, (code) => code.toLowerCase()),
      rfc3986,
      rfc3986.replaceAll("%20", "+"),
      JSON.stringify(value),
      JSON.stringify(value).replace("ü", "\\u00fc"),
      `'${value.replaceAll("'", "'\\''")}'`,
    ];
    for (const form of forms) expect(redactor.text(form).replace(/^["']|["']$/g, "")).toBe("[redacted]");
    expect(redactor.text(wraps)).toMatch(/^\[redacted\]\s*.?$/);
    const key = Buffer.from([0, 255, 254, 1, 2, 3, 200, 201, 202, 203, 10, 13]);
    const binary = new Redactor([key]);
    expect(binary.text(key.toString("base64"))).toMatch(/^\[redacted\]=*$/);
    expect(binary.text(key.toString("hex"))).toBe("[redacted]");
  });

  test("masks each line of a secret with several lines", () => {
    const key = "-----BEGIN KEY-----\nabcdefghij\nklmnopqrst\n-----END KEY-----\n";
    expect(new Redactor([key]).text("got klmnopqrst here")).toBe("got [redacted] here");
  });

  test("passes binary output unharmed", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.array(fc.nat(300)), (bytes, cuts) => {
        const redactor = new Redactor(["a-very-long-secret-that-is-not-there"]);
        const pieces =
          cuts.length > 0
            ? [bytes.subarray(0, cuts[0]! % (bytes.length + 1)), bytes.subarray(cuts[0]! % (bytes.length + 1))]
            : [bytes];
        const out = Buffer.concat([...pieces.map((piece) => redactor.push(piece)), redactor.end()]);
        expect(out.equals(Buffer.from(bytes))).toBe(true);
      }),
    );
  });
});

import { execFileSync } from "node:child_process";
import fc from "fast-check";
import { expect, test } from "vitest";
import { quoteArgv } from "../../../src/session/quote.ts";

test("quoteArgv() passes every word through a POSIX shell unchanged", () => {
  fc.assert(
    fc.property(
      fc.array(
        fc.string({ unit: "grapheme" }).filter((word) => !word.includes("\0")),
        { minLength: 1 },
      ),
      (words) => {
        const said = execFileSync("sh", ["-c", `printf '%s\\0' ${quoteArgv(words)}`]).toString();
        expect(said.split("\0").slice(0, -1)).toEqual(words);
      },
    ),
    { numRuns: 60 },
  );
});

test("quoteArgv() refuses a NUL byte, which no process can be given", () => {
  expect(() => quoteArgv(["a\0b"])).toThrow(RangeError);
});

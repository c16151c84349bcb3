import { expect, test } from "vitest";
import { didYouMean } from "../../../src/cli/did-you-mean.ts";
import { fitsRange } from "../../../src/cli/fits-range.ts";
import { printFaults, wantsColour } from "../../../src/cli/print-faults.ts";
import type { Fault } from "../../../stage2/index.ts";

const fault: Fault = {
  code: "E_UNKNOWN_SERVICE",
  severity: "error",
  message: 'No service is called "apahce"',
  place: { file: "services/web/service.yaml", line: 4, column: 12, length: 6, source: "requires: [apahce, app-user]" },
  suggestion: 'did you mean "apache"?',
};

test("printFaults() prints place, line, caret and suggestion", () => {
  expect(
    printFaults([fault], { colour: false }),
  ).toBe(`services/web/service.yaml:4:12 error E_UNKNOWN_SERVICE: No service is called "apahce"
  4 | requires: [apahce, app-user]
    |            ^^^^^^ did you mean "apache"?
`);
});

test("printFaults() names files from where the reader stands", () => {
  expect(printFaults([fault], { colour: false, prefix: "../shop" })).toMatch(/^\.\.\/shop\/services\/web/);
});

test("printFaults() lets no control character of a file through to the terminal", () => {
  const place = { file: "a\u001b[2J", line: 1, column: 1, source: "x: \u001b]0;owned\u0007" };
  const text = printFaults([{ ...fault, message: "bad \u009b31m", place }], { colour: false });
  expect(text).not.toMatch(/[\u001b\u0007\u009b]/);
});

test("printFaults() cuts a long line around the caret", () => {
  const place = { file: "f", line: 1, column: 5001, length: 3, source: `${"x".repeat(5000)}bad${"y".repeat(5000)}` };
  const [, shown = "", caret = ""] = printFaults([{ ...fault, place }], { colour: false }).split("\n");
  expect(shown.length).toBeLessThan(180);
  expect(shown.slice(caret.indexOf("^"), caret.indexOf("^") + 3)).toBe("bad");
});

test("printFaults() keeps the caret below its place behind tabs", () => {
  const place = { file: "f", line: 1, column: 3, length: 1, source: "\t\tx" };
  expect(printFaults([{ ...fault, place }], { colour: false }).split("\n")[2]).toBe(
    '    | \t\t^ did you mean "apache"?',
  );
});

test("printFaults() colours only when told to, and wantsColour() heeds NO_COLOR", () => {
  expect(printFaults([fault], { colour: true })).toContain("\u001b[31m");
  expect(wantsColour({ isTTY: true }, {})).toBe(true);
  expect(wantsColour({ isTTY: true }, { NO_COLOR: "1" })).toBe(false);
  expect(wantsColour({ isTTY: false }, {})).toBe(false);
});

test.each([
  ["apahce", "apache"],
  ["requries", "requires"],
  ["APACHE", "apache"],
  ["zzz", undefined],
])("didYouMean(%j) is %j", (word, meant) => {
  expect(didYouMean(word, ["after", "apache", "requires"])).toBe(meant);
});

test.each([
  ["0.1.0", ">=0.1", true],
  ["0.1.0", ">=0.2", false],
  ["1.9.0", ">=1 <2", true],
  ["2.0.0", ">=1 <2", false],
  ["1.4.0", "^1.2", true],
  ["2.0.0", "^1.2", false],
  ["0.2.0", "^0.1.3", false],
  ["1.2.9", "~1.2.3", true],
  ["1.3.0", "~1.2.3", false],
  ["1.2.7", "1.2", true],
])("fitsRange(%j, %j) is %j", (version, range, fits) => {
  expect(fitsRange(version, range)).toBe(fits);
});

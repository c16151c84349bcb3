import fc from "fast-check";
import { expect, test } from "vitest";
import { parseDocument } from "yaml";
import { readPlainYaml } from "../../../src/manifest/plain-yaml.ts";
import { YAML_OPTIONS } from "../../../src/manifest/source-file.ts";

const whole = (text: string): unknown => {
  const document = parseDocument(text, YAML_OPTIONS);
  return document.errors.length + document.warnings.length > 0 ? { faults: true } : document.toJS();
};

const SERVICE = `# a service
description: Shop, the one
requires: [bootlace/apache, app-user] # two
when: {os: [debian, amzn], arch: x86_64}
params:
  workers: {type: integer, default: 4, description: Worker processes}
  host: localhost
  empty:
  quoted: "a: b # c"
packages:
  apt:
    - apache2
    - curl
init: |
  useradd --system shop

    indented: yes # kept
  last

update: {run: ./update.sh, timeout: 2m}
ready: {http: "http://127.0.0.1/health", within: 30s}
`;

test("readPlainYaml() reads a usual service itself, and as the whole parser does", () => {
  expect(readPlainYaml(SERVICE)).toEqual(whole(SERVICE));
});

test.each([
  ["an alias", "a: &x 1\nb: *x\n"],
  ["a tab", "a:\n\tb: 1\n"],
  ["a key twice", "a: 1\na: 2\n"],
  ["a folded block", "a: >\n  b\n"],
  ["text over two lines", "a: b\n  c\n"],
  ["an octal-looking number", "a: 0755\n"],
  ["a float", "a: 1.10\n"],
  ["a tag", "a: !!str 1\n"],
  ["two documents", "a: 1\n---\nb: 2\n"],
  ["an escape", 'a: "\\n"\n'],
  ["two commas in a list", "a: [b, , c]\n"],
  ["__proto__", "__proto__: {a: 1}\n"],
])("readPlainYaml() leaves %s to the whole parser", (_, text) => {
  expect(readPlainYaml(text)).toBeUndefined();
});

const token = fc.constantFrom(
  ...[
    "a",
    "b",
    "key",
    "x-y",
    "null",
    "True",
    "~",
    "1",
    "0",
    "007",
    "1.5",
    "-1",
    "0x1f",
    "2m",
    ".5",
    "./a.sh",
    "http://x/y",
    "a:b",
  ],
  ...[
    '"',
    "'",
    '"q"',
    "'s'",
    '""',
    "[",
    "]",
    "{",
    "}",
    ",",
    ", ",
    ": ",
    ":",
    "#",
    " # c",
    "|",
    "|-",
    ">",
    "- ",
    "-",
    "&a ",
    "*a",
    "!t ",
    "? ",
  ],
  ...["%", "@", "`", "\\", "---", "...", "<<", "a b", "$X", "{params.x}", "=", "*", "(", ")"],
);
const line = fc
  .tuple(
    fc.constantFrom("", "", "  ", "  ", "    ", " ", "   "),
    fc.constantFrom("", "a: ", "b: ", "c:", "k:", "- ", "- a: "),
    fc.array(token, { maxLength: 6 }),
    fc.constantFrom("", "", "", " ", "  "),
  )
  .map(([indent, head, tokens, tail]) => `${indent}${head}${tokens.join("")}${tail}`);
const structured = fc
  .tuple(
    fc.constantFrom("", "  "),
    fc.constantFrom("a", "b", "c", "d", "e", "f"),
    fc.constantFrom(
      "x",
      "1",
      "[a, b]",
      "{a: 1, b: [c]}",
      "|",
      "",
      "'s'",
      '"q" # c',
      "x # c",
      "x  y",
      "[a b, 2m]",
      "{a: }",
      "[]",
      "{}",
      "[a]b",
      "x: y",
      "x:",
    ),
  )
  .map(([indent, key, value]) => `${indent}${key}: ${value}`.trimEnd());
const text = fc
  .array(
    fc.oneof(
      { weight: 3, arbitrary: structured },
      line,
      fc.constantFrom("", "# c", "  # c", "  - x", "- x", "  - {a: 1}", "    more", "      deep"),
    ),
    { minLength: 1, maxLength: 7 },
  )
  .map((lines) => lines.join("\n"));

test("readPlainYaml() never differs from the whole parser, whatever the text", () => {
  let plain = 0;
  fc.assert(
    fc.property(text, (given) => {
      const fast = readPlainYaml(given);
      if (fast === undefined) return;
      plain++;
      expect(fast).toEqual(whole(given));
    }),
    { numRuns: 20_000 },
  );
  expect(plain).toBeGreaterThan(500);
});

import { generateKeyPairSync } from "node:crypto";
import fc from "fast-check";
import { expect, test } from "vitest";
import { FormMatcher } from "../../stage2/execute/form-matcher.ts";
import { Redactor, secretForms } from "../../stage2/execute/redact.ts";

/** What is meant, as one regular expression: the oracle. For few and short forms alone it is quick enough. */
function pattern(forms: readonly string[]): RegExp {
  const sorted = [...new Set(forms)].sort((a, b) => b.length - a.length);
  const one = (form: string): string =>
    [...form]
      .map((character) => character.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&"))
      .join(/^[A-Za-z0-9+/_-]+$/.test(form) ? "\n?" : "");
  return new RegExp(sorted.map(one).join("|"), "g");
}

function all(matcher: FormMatcher, text: string): string[] {
  const found: string[] = [];
  for (let hit = matcher.next(text, 0, text.length); hit; hit = matcher.next(text, hit.end, text.length))
    found.push(text.slice(hit.at, hit.end));
  return found;
}

test("FormMatcher finds what the regular expression of all forms finds, wrapped, overlapping, and one in another", () => {
  // Few characters, so that forms occur, begin alike, and are broken by lines.
  const characters = fc.constantFrom("a", "b", "%", "\n", "\\");
  const text = (min: number, max: number) => fc.string({ unit: characters, minLength: min, maxLength: max });
  fc.assert(
    fc.property(fc.array(text(4, 9), { minLength: 1, maxLength: 6 }), text(0, 60), (forms, given) => {
      expect(all(new FormMatcher(forms), given)).toEqual([...given.matchAll(pattern(forms))].map(([hit]) => hit));
    }),
    { numRuns: 20_000 },
  );
});

test("FormMatcher looks for nothing when there are no forms", () => {
  expect(new FormMatcher([]).next("text", 0, 4)).toBeUndefined();
});

test("Redactor masks a key in PEM, whole, by lines, and in wrapped base64", () => {
  const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const pem = privateKey.export({ type: "pkcs8", format: "pem" }).toString();
  const redactor = new Redactor([pem]);
  const base64 = Buffer.from(pem)
    .toString("base64")
    .replace(/(.{76})/g, "$1\n");
  const shown = redactor.text(`before\n${pem}\nbetween ${base64} then ${pem.split("\n")[5]} after`);
  // By the key's length the last group of base64 holds its final newline alone, which is nobody's secret.
  expect(shown).toMatch(/^before\n\[redacted\]\s*between \[redacted\][\w+/]{0,2}=*\s* then \[redacted\] after$/);
  expect(secretForms(pem).join("").length).toBeGreaterThan(50_000);
});

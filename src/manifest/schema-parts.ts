import * as z from "zod";
import { DURATION_PATTERN, parseDuration } from "./duration.ts";
import { LOGIN_NAME, PARAM_NAME, PLAIN_NAME, SERVICE_NAME } from "./names.ts";
import { parseSize, SIZE_PATTERN } from "./size.ts";

/** Error texts say what was expected; what came, and where, is added when the issue becomes a fault. */
export const expected = (what: string): { error: string } => ({ error: `expected ${what}` });

const REFERENCE = "\\{params\\.[A-Za-z][A-Za-z0-9_-]*\\}";

/** Text of this pattern, where references to parameters may stand instead of or in it. */
const withReferences = (pattern: RegExp): RegExp => new RegExp(`${pattern.source}|${REFERENCE}`);

const matching = (pattern: RegExp, what: string) => z.string(expected(what)).regex(pattern, expected(what));

export const text = (what: string) => z.string(expected(what)).min(1, expected(what));
export const flag = z.boolean(expected("true or false"));
export const whole = (min: number, max: number) => {
  const what = expected(`a whole number from ${min} to ${max}`);
  return z.int(what).min(min, what).max(max, what);
};
export const list = <T extends z.ZodType>(item: T, what: string) => z.array(item, expected(what));
export const oneOf = <const T extends readonly [string, ...string[]]>(values: T) =>
  z.enum(values, expected(`one of ${values.join(", ")}`));
/** One value or a list of them; comes out as a list. */
export const oneOrMore = <T extends z.ZodType<string>>(item: T, what: string) =>
  z.union([item.transform((value) => [value]), z.array(item)], expected(what));

export const serviceName = matching(SERVICE_NAME, "a service's name: lower-case letters, digits and `-`, at most 64");
export const plainName = matching(PLAIN_NAME, "a name: lower-case letters, digits and `-`, a letter first");
export const paramName = matching(PARAM_NAME, "a name such as dbHost");
export const login = matching(withReferences(LOGIN_NAME), "a login name");
export const absolutePath = matching(withReferences(/^\//), "an absolute path");
export const durationText = matching(
  new RegExp(`${DURATION_PATTERN.source}|^${REFERENCE}$`),
  "a duration such as 500ms, 30s or 2m",
);
/** Comes out in milliseconds. */
export const duration = matching(DURATION_PATTERN, "a duration such as 500ms, 30s or 2m").transform(
  (value) => parseDuration(value) ?? 0,
);
/** Comes out in bytes. */
export const size = matching(SIZE_PATTERN, "a size such as 512M or 1G").transform((value) => parseSize(value) ?? 0);
export const wholeOrReference = (what: string, min: number, max: number) =>
  z.union([whole(min, max), matching(new RegExp(`^${REFERENCE}$`), what)], expected(what));

const scalar = z.union([z.string(), z.number(), z.boolean()]);
export const paramValue = z.union(
  [scalar, z.array(scalar)],
  expected("text, a number, true, false or a list of those"),
);

import type * as z from "zod";
import type { Fault, Place } from "../../stage2/index.ts";
import { didYouMean } from "../cli/did-you-mean.ts";
import { knownKeys } from "./known-keys.ts";
import type { Path } from "./source-file.ts";

type Issue = z.core.$ZodIssue;

/** Finds the place of a value or key; merged services find it in the file that the value came from. */
type Locate = (path: Path, what: "key" | "value") => Place | undefined;

/** What zod was asked, and how to tell where things stand. */
interface Asked {
  readonly schema: z.core.$ZodType;
  readonly value: unknown;
  readonly locate: Locate;
}

/** Turns what zod found wrong with a value into faults with places. */
export function zodFaults(issues: readonly Issue[], asked: Asked): Fault[] {
  return withoutEchoes(issues.flatMap((issue) => faultsOf(issue, [], asked)));
}

/** `rnu` for `run` is one slip, not an unknown key and a missing one. */
function withoutEchoes(faults: readonly Fault[]): Fault[] {
  const meant = new Set(
    faults.flatMap(({ suggestion }) => /^did you mean "(.*)"\?$/.exec(suggestion ?? "")?.[1] ?? []),
  );
  return faults.filter(({ code, message }) => {
    const key = /^The key "(.*)" is missing/.exec(message)?.[1];
    return code !== "E_MISSING_KEY" || key === undefined || !meant.has(key);
  });
}

function faultsOf(issue: Issue, above: Path, asked: Asked): Fault[] {
  const { locate } = asked;
  const path: Path = [...above, ...issue.path.map((step) => (typeof step === "symbol" ? String(step) : step))];
  const came = valueAt(asked.value, path);
  const make = (code: Fault["code"], message: string, what: "key" | "value" = "value"): Fault => {
    const place = locate(path, what);
    return { code, severity: "error", message, ...(place ? { place } : {}) };
  };
  switch (issue.code) {
    case "unrecognized_keys":
      return issue.keys.map((key) => unknownKey(key, path, asked));
    case "invalid_union": {
      const branch = likelyBranch(issue.errors);
      if (branch) return branch.flatMap((inner) => faultsOf(inner, path, asked));
      return [make("E_TYPE", `${sentence(issue.message)}, ${describe(came)} came`)];
    }
    case "invalid_key":
      return [make("E_NAME", `${keyMessage(issue)}, "${printable(String(path.at(-1)))}" came`, "key")];
    case "invalid_type":
      if (came === undefined && path.length > 0) {
        const place = locate(path.slice(0, -1), "key");
        const message = `The key "${String(path.at(-1))}" is missing: ${lower(wanted(issue))}`;
        return [{ code: "E_MISSING_KEY", severity: "error", message, ...(place ? { place } : {}) }];
      }
      return [make("E_TYPE", `${sentence(wanted(issue))}, ${describe(came)} came`)];
    default:
      return [make("E_VALUE", `${sentence(issue.message)}, ${describe(came)} came`)];
  }
}

function unknownKey(key: string, path: Path, { schema, locate }: Asked): Fault {
  const known = knownKeys(schema, path);
  const place = locate([...path, key], "key");
  const near = didYouMean(key, known);
  const where = path.length > 0 ? ` in ${path.join(".")}` : "";
  const suggestion = near ? `did you mean "${near}"?` : `there is ${known.join(", ")}`;
  return {
    code: "E_UNKNOWN_KEY",
    severity: "error",
    message: `No key is called "${printable(key)}"${where}`,
    ...(place ? { place } : {}),
    ...(near || (known.length > 0 && known.length < 12) ? { suggestion } : {}),
  };
}

/** Where the values stand that zod refused: without them the rest can be checked further. */
export function offendingPaths(issues: readonly Issue[], above: Path = []): Path[] {
  return issues.flatMap((issue) => {
    const path: Path = [...above, ...issue.path.map((step) => (typeof step === "symbol" ? String(step) : step))];
    if (issue.code === "unrecognized_keys") return issue.keys.map((key) => [...path, key]);
    const branch = issue.code === "invalid_union" ? likelyBranch(issue.errors) : undefined;
    return branch ? offendingPaths(branch, path) : [path];
  });
}

/** The branch of a union that the writer meant: the only one whose outer type fits. */
function likelyBranch(branches: readonly (readonly Issue[])[]): readonly Issue[] | undefined {
  const fitting = branches.filter((issues) => !issues.some(isOfOtherType));
  return fitting.length === 1 ? fitting[0] : undefined;
}

function isOfOtherType(issue: Issue): boolean {
  if (issue.path.length > 0) return false;
  return issue.code === "invalid_type" || (issue.code === "invalid_union" && likelyBranch(issue.errors) === undefined);
}

function keyMessage(issue: Extract<Issue, { code: "invalid_key" }>): string {
  return sentence(issue.issues[0]?.message ?? "expected another name");
}

const WORDS: Readonly<Record<string, string>> = {
  object: "a mapping",
  record: "a mapping",
  array: "a list",
  string: "text",
  number: "a number",
  int: "a whole number",
  boolean: "true or false",
};

/** The schema's own words, or plain ones where it has none. */
const wanted = (issue: Extract<Issue, { code: "invalid_type" }>): string =>
  issue.message.startsWith("expected") ? issue.message : `expected ${WORDS[issue.expected] ?? issue.expected}`;

export function valueAt(root: unknown, path: Path): unknown {
  let value = root;
  for (const step of path) {
    if (value === null || typeof value !== "object" || !Object.hasOwn(value, step)) return undefined;
    value = (value as Record<string | number, unknown>)[step];
  }
  return value;
}

/** A value in few words, for `…, X came`. */
export function describe(value: unknown): string {
  if (value === undefined || value === null) return "nothing";
  if (Array.isArray(value)) return value.length === 0 ? "an empty list" : "a list";
  if (typeof value === "object") return "a mapping";
  if (typeof value === "string") return value === "" ? "empty text" : `the text "${printable(value)}"`;
  return typeof value === "number" ? `the number ${value}` : String(value);
}

const printable = (text: string): string => {
  const shown = JSON.stringify(text.length > 60 ? `${text.slice(0, 57)}…` : text).slice(1, -1);
  return shown.replaceAll('\\"', '"');
};
const sentence = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);
const lower = (text: string): string => text.charAt(0).toLowerCase() + text.slice(1);

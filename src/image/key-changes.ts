import { changedParts } from "./image-key.ts";

type Parts = Readonly<Record<string, unknown>>;

const WORDS: Readonly<Record<string, string>> = {
  seal: "sealing takes other things away",
  provider: "another provider",
  arch: "another architecture",
  base: "its base changed",
  disk: "another size of its disk",
  settings: "other settings of its provider",
  roots: "other roots",
  runner: "another runner of Bootlace",
  runtime: "another runtime",
  period: "older than its maxAge allows",
};

/** Why two keys differ, for a person; one reason each. */
export function keyChanges(before: Parts, after: Parts): readonly string[] {
  if (before.imported !== undefined) return ["the one that is there was made by hand"];
  return changedParts(before, after).flatMap((part) => {
    if (part === "services") return serviceChanges(mapping(before.services), mapping(after.services));
    if (part === "format") return [];
    return [WORDS[part] ?? `another ${part}`];
  });
}

function serviceChanges(before: Parts, after: Parts): readonly string[] {
  return changedParts(before, after).map((name) => {
    if (before[name] === undefined) return `service ${name} is new`;
    return after[name] === undefined ? `service ${name} went` : `service ${name} changed`;
  });
}

const mapping = (value: unknown): Parts => (value !== null && typeof value === "object" ? (value as Parts) : {});

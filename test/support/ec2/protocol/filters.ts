import type { Filter, Tag } from "@aws-sdk/client-ec2";
import { ApiError } from "./api-error.ts";

/** What a filter of a Describe call looks at, by its name. */
export type Fields<T> = Readonly<Record<string, (of: T) => readonly unknown[]>>;

/**
 * The resources that every filter lets through: a filter by any of its values, with `*` and `?` ("Filter resources", Amazon
 * EC2 User Guide). `tag:KEY` and `tag-key` are there for all that has tags.
 *
 * @throws {ApiError} `InvalidParameterValue` for a filter that is not known, as AWS does.
 */
export function filtered<T>(
  all: Iterable<T>,
  filters: readonly Filter[] | undefined,
  fields: Fields<T>,
  tags: (of: T) => readonly Tag[] = () => [],
): T[] {
  const tests = (filters ?? []).map(({ Name = "", Values }) => {
    if (!Values?.length) throw new ApiError("InvalidParameterValue", `The filter '${Name}' has no values`);
    const field = fieldOf(Name, fields, tags);
    const patterns = Values.map(pattern);
    return (of: T) => field(of).some((value) => patterns.some((each) => each.test(String(value))));
  });
  return [...all].filter((each) => tests.every((test) => test(each)));
}

function fieldOf<T>(name: string, fields: Fields<T>, tags: (of: T) => readonly Tag[]): (of: T) => readonly unknown[] {
  if (name === "tag-key") return (of) => tags(of).map(({ Key }) => Key);
  if (name.startsWith("tag:")) {
    const key = name.slice("tag:".length);
    return (of) => tags(of).flatMap(({ Key, Value }) => (Key === key ? [Value ?? ""] : []));
  }
  const field = fields[name];
  if (!field) throw new ApiError("InvalidParameterValue", `The filter '${name}' is invalid`);
  return (of) => field(of).filter((value) => value !== undefined);
}

function pattern(value: string): RegExp {
  const text = value.replace(/\\(.)|[.+^${}()|[\]\\*?]/gs, (special, escaped: string | undefined) => {
    if (escaped !== undefined) return escaped.replace(/[.+^${}()|[\]\\*?]/, "\\$&");
    return special === "*" ? ".*" : special === "?" ? "." : `\\${special}`;
  });
  return new RegExp(`^${text}$`, "s");
}

/** One page of an answer: `MaxResults` of them from `NextToken` on. */
export function page<T>(
  all: readonly T[],
  { MaxResults: most, NextToken: token }: { MaxResults?: number | undefined; NextToken?: string | undefined },
): { readonly items: T[]; readonly next?: string } {
  const from = token === undefined ? 0 : Number(Buffer.from(token, "base64url").toString());
  if (!(from >= 0)) throw new ApiError("InvalidParameterValue", `Invalid value '${token}' for NextToken`);
  const end = most === undefined ? all.length : from + most;
  const next = end < all.length ? { next: Buffer.from(String(end)).toString("base64url") } : {};
  return { items: all.slice(from, end), ...next };
}

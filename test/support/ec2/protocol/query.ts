import { ApiError } from "./api-error.ts";
import type { Shape } from "./schema.ts";

type Tree = Map<string, string | Tree>;

/**
 * Reads a form of the EC2 Query protocol ("Query requests", Amazon EC2 Developer Guide) into what the SDK's command took:
 * lists are counted (`Filter.1.Value.2`), structures have dots.
 *
 * @throws {ApiError} `UnknownParameter` for a name that the action does not have.
 */
export function readForm(form: URLSearchParams, shape: Shape): Readonly<Record<string, unknown>> {
  return readStruct(treeOf(form), shape, "");
}

/** The same of the Query protocol that the other services speak, where a list's items are under `member`: `Tags.member.1.Key`. */
export function readMemberForm(form: URLSearchParams, shape: Shape): Readonly<Record<string, unknown>> {
  return readStruct(withoutMember(treeOf(form)), shape, "");
}

function withoutMember(tree: Tree): Tree {
  const only = tree.size === 1 ? tree.get("member") : undefined;
  const from = only instanceof Map ? only : tree;
  return new Map([...from].map(([name, value]) => [name, value instanceof Map ? withoutMember(value) : value]));
}

function treeOf(form: URLSearchParams): Tree {
  const tree: Tree = new Map();
  for (const [name, value] of form) {
    if (name === "Action" || name === "Version") continue;
    let at = tree;
    const parts = name.split(".");
    for (const part of parts.slice(0, -1)) {
      const below = at.get(part) ?? new Map();
      if (typeof below === "string") throw new ApiError("MalformedQueryString", `${name} names a part of a value`);
      at.set(part, below);
      at = below;
    }
    at.set(parts.at(-1) ?? "", value);
  }
  return tree;
}

function readStruct(tree: Tree, shape: Shape, path: string): Readonly<Record<string, unknown>> {
  const members = [...shape.members()];
  const found: Record<string, unknown> = {};
  for (const [part, value] of tree) {
    const [name, member] = members.find(([, { queryName }]) => queryName === part) ?? [];
    if (name === undefined || member === undefined)
      throw new ApiError("UnknownParameter", `The parameter ${path}${part} is not recognized`);
    found[name] = readValue(value, member.shape, `${path}${part}`);
  }
  return found;
}

function readValue(value: string | Tree, shape: Shape, path: string): unknown {
  if (value === "" && shape.kind === "list") return [];
  if (typeof value === "string") return readText(value, shape, path);
  if (shape.kind === "struct") return readStruct(value, shape, `${path}.`);
  if (shape.kind !== "list" || !shape.item)
    throw new ApiError("UnknownParameter", `The parameter ${path} has no parts`);
  const { item } = shape;
  return [...value]
    .sort(([a], [b]) => Number(a) - Number(b))
    .map(([at, below]) => readValue(below, item, `${path}.${at}`));
}

function readText(text: string, { kind }: Shape, path: string): unknown {
  const wrong = () => new ApiError("InvalidParameterValue", `Value (${text}) for parameter ${path} is invalid.`);
  switch (kind) {
    case "string":
      return text;
    case "number":
      if (!/^-?\d+(\.\d+)?$/.test(text)) throw wrong();
      return Number(text);
    case "boolean":
      if (text !== "true" && text !== "false") throw wrong();
      return text === "true";
    case "time":
      if (Number.isNaN(Date.parse(text))) throw wrong();
      return new Date(text);
    case "blob":
      return Buffer.from(text, "base64");
    default:
      throw wrong();
  }
}

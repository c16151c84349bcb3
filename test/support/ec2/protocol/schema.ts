import * as sdk from "@aws-sdk/client-ec2";

/**
 * The SDK's client carries AWS's model of the service: each operation, its request and answer, with their names on the
 * wire. Reading and writing by that model keeps this server to the protocol without a table of its own.
 */
export type Schema = number | "unit" | readonly unknown[] | (() => Schema);

export type Kind = "string" | "number" | "boolean" | "time" | "blob" | "list" | "struct";

interface Names {
  readonly ec2QueryName?: string;
  readonly xmlName?: string;
}

export interface Shape {
  readonly kind: Kind;
  /** Of a list. */
  readonly item?: Shape;
  /** Of a structure: by the SDK's name. */
  readonly members: () => ReadonlyMap<string, Member>;
}

export interface Member {
  readonly shape: Shape;
  /** In a form: `SecurityGroupId`. */
  readonly queryName: string;
  /** In an answer: `groupSet`. */
  readonly xmlName: string;
}

const SIMPLE: Readonly<Record<number, Kind>> = { 0: "string", 1: "number", 2: "boolean", 4: "time", 21: "blob" };
/** Set in a number that is a list of the kind which the rest names. */
const LIST_OF = 64;
const LIST = 1;
const STRUCTURE = 3;
const OPERATION = 9;

/** What a service's client exports. */
export type Model = object;

/** What an action takes and answers; undefined for one that the service does not have. */
export function operation(
  action: string,
  model: Model = sdk,
): { readonly input: Shape; readonly output: Shape } | undefined {
  const found = (model as Readonly<Record<string, unknown>>)[`${action}$`];
  if (!Array.isArray(found) || found[0] !== OPERATION) return undefined;
  return { input: shapeOf(found[4] as Schema), output: shapeOf(found[5] as Schema) };
}

const known = new WeakMap<object, Shape>();

function shapeOf(schema: Schema): Shape {
  if (typeof schema === "function") return shapeOf(schema());
  if (typeof schema === "number") return simple(schema);
  // An answer that says nothing.
  if (typeof schema === "string") return { kind: "struct", members: none };
  const before = known.get(schema);
  if (before) return before;
  const shape = readShape(schema);
  known.set(schema, shape);
  return shape;
}

function simple(schema: number): Shape {
  if (schema >= LIST_OF) return { kind: "list", item: simple(schema - LIST_OF), members: none };
  return { kind: SIMPLE[schema] ?? "string", members: none };
}

const none = (): ReadonlyMap<string, Member> => new Map();

function readShape(schema: readonly unknown[]): Shape {
  if (schema[0] === LIST) return { kind: "list", item: shapeOf(reference(schema[4]).schema), members: none };
  // A string with a trait of its own (such as "sensitive") says its kind in the fifth place.
  if (schema[0] !== STRUCTURE) return shapeOf((schema[4] ?? 0) as Schema);
  let members: Map<string, Member> | undefined;
  const read = () => {
    members ??= new Map((schema[4] as string[]).map((name, at) => [name, member(name, (schema[5] as unknown[])[at])]));
    return members;
  };
  return { kind: "struct", members: read };
}

/** A member stands alone or as `[schema, traits]`. */
function reference(given: unknown): { readonly schema: Schema; readonly names: Names } {
  if (!Array.isArray(given) || given.length > 2) return { schema: (given ?? 0) as Schema, names: {} };
  const [schema, traits] = given as [Schema, Names | number];
  return { schema, names: typeof traits === "object" ? traits : {} };
}

function member(name: string, given: unknown): Member {
  const { schema, names } = reference(given);
  const { ec2QueryName, xmlName } = names;
  return {
    get shape() {
      return shapeOf(schema);
    },
    queryName:
      ec2QueryName ?? (xmlName === undefined ? name : `${xmlName.slice(0, 1).toUpperCase()}${xmlName.slice(1)}`),
    xmlName: xmlName ?? name,
  };
}

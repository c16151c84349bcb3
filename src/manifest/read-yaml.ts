import { isUtf8 } from "node:buffer";
import { parseDocument, type YAMLParseError } from "yaml";
import type { ErrorCode, Fault } from "../../stage2/index.ts";
import { readPlainYaml } from "./plain-yaml.ts";
import { SourceFile, YAML_OPTIONS } from "./source-file.ts";

/** Files that people write by hand are small; more is a mistake or an attack. */
const MOST_BYTES = 1024 * 1024;

/** More aliases than this, multiplied out, are refused: a few lines can otherwise become gigabytes. */
const MOST_ALIASES = 100;

/** After the first few, a parser that lost its way reports nothing but echoes. */
const MOST_FAULTS = 8;

const TOO_DEEP = "Nested too deeply to be read";

export interface YamlFile {
  readonly source: SourceFile;
  /** Undefined when there are faults. */
  readonly value: unknown;
  readonly faults: readonly Fault[];
}

/**
 * Reads one YAML 1.2 document of the core schema.
 *
 * @param file Name for messages.
 */
export function readYaml(file: string, bytes: Uint8Array): YamlFile {
  if (!isUtf8(bytes)) return refuse(new SourceFile(file, ""), "E_ENCODING", "Expected UTF-8 text, other bytes came");
  if (bytes.length > MOST_BYTES) {
    return refuse(new SourceFile(file, ""), "E_YAML", `Expected at most 1 MiB, ${bytes.length} bytes came`);
  }
  const source = new SourceFile(file, Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("utf8"));
  const plain = readPlainYaml(source.text);
  if (plain) return { source, value: plain, faults: [] };
  try {
    const document = parseDocument(source.text, YAML_OPTIONS);
    const errors = [...document.errors, ...document.warnings];
    if (errors.some(({ message }) => message.includes("call stack"))) return refuse(source, "E_YAML", TOO_DEEP);
    if (errors.length > 0) {
      const faults = errors.slice(0, MOST_FAULTS).map((error) => faultOf(source, error));
      return { source, value: undefined, faults };
    }
    return { source, value: document.toJS({ maxAliasCount: MOST_ALIASES }), faults: [] };
  } catch (error) {
    if (error instanceof ReferenceError) {
      return refuse(source, "E_YAML_ALIASES", `Expected at most ${MOST_ALIASES} values by alias, more came`);
    }
    if (error instanceof RangeError) return refuse(source, "E_YAML", TOO_DEEP);
    throw error;
  }
}

const refuse = (source: SourceFile, code: ErrorCode, message: string): YamlFile => ({
  source,
  value: undefined,
  faults: [{ code, severity: "error", message, place: source.placeAt(0) }],
});

function faultOf(source: SourceFile, error: Pick<YAMLParseError, "code" | "message" | "pos">): Fault {
  const place = source.placeAt(error.pos[0], Math.max(error.pos[1], error.pos[0] + 1));
  const make = (code: ErrorCode, message: string): Fault => ({ code, severity: "error", message, place });
  if (error.code === "DUPLICATE_KEY") {
    const key = /^[^\s:]+/.exec(source.text.slice(error.pos[0]))?.[0] ?? "";
    const first = firstKey(source, key, error.pos[0]);
    const fault = make("E_YAML_DUPLICATE_KEY", `The key "${key}" is written twice`);
    return first === undefined
      ? fault
      : { ...fault, related: { message: "first written here", place: source.placeAt(first, first + key.length) } };
  }
  if (error.code === "TAB_AS_INDENT") return make("E_YAML", "Expected spaces for indentation, a tab came");
  if (error.code === "MULTIPLE_DOCS") return make("E_YAML_DOCUMENTS", "Expected one document, a second one begins");
  return make("E_YAML", error.message.replace(/\.?$/, ""));
}

/** Where a key of the same spelling and indentation stands before the second one. */
function firstKey(source: SourceFile, key: string, before: number): number | undefined {
  const lineStart = source.text.lastIndexOf("\n", before - 1) + 1;
  const indent = source.text.slice(lineStart, before);
  for (let at = lineStart; at > 0; ) {
    at = source.text.lastIndexOf("\n", at - 2) + 1;
    if (source.text.startsWith(`${indent}${key}:`, at) && /^ *$/.test(indent)) return at + indent.length;
    if (at === 0) break;
  }
  return undefined;
}

/**
 * Reads the plain part of YAML that almost all services are written in, ten times as fast as a whole parser: block
 * mappings, words, whole numbers, quoted text without escapes, flow collections on one line, `|` blocks, lists of words.
 * Whatever is not surely of that kind, or not surely right, is left to the whole parser, which alone reports errors.
 *
 * @returns The value, or undefined when the text is not plain. A test holds it against the parser on random texts.
 */
export function readPlainYaml(text: string): Record<string, unknown> | undefined {
  if (/[^\n\x20-\x7e]/.test(text)) return undefined;
  const reader = new Reader(text.split("\n"));
  try {
    return reader.document();
  } catch (error) {
    if (error === NOT_PLAIN) return undefined;
    throw error;
  }
}

const NOT_PLAIN = Symbol("not plain");

function bail(): never {
  throw NOT_PLAIN;
}

const ENTRY = /^([A-Za-z_][A-Za-z0-9_-]*):(?: (.*))?$/;
const COMMENT = /^ *(?:#.*)?$/;
const INTEGER = /^(?:0|[1-9]\d{0,14})$/;
/** Words that are text in YAML's core schema, whatever stands around them. */
const TEXT = /^(?:[A-Za-z_/]|\.{1,2}\/|\d+(?:ms|[smhd])$)/;
const SPECIAL = /^(?:null|true|false)$/i;
/** Plain text on one line of a block: no indicator, no `: `, no ` #`, no space at the end. */
const BLOCK_TEXT = /^[A-Za-z0-9_./](?:[A-Za-z0-9_./@+,()=<>$*&!;|'"%^~?{}[\]\\`-]|:(?! |$)| (?![ #]|$))*$/;
const FLOW_WORD = /[A-Za-z0-9_./](?:[A-Za-z0-9_./@+-]| (?=[A-Za-z0-9_./@+-]))*/y;
const FLOW_QUOTED = /"([^"\\]*)"|'([^']*)'/y;

class Reader {
  readonly #lines: readonly string[];
  #at = 0;

  constructor(lines: readonly string[]) {
    this.#lines = lines;
  }

  document(): Record<string, unknown> {
    this.#skipComments();
    if (this.#at >= this.#lines.length) bail();
    const value = this.#mapping(0);
    if (this.#at < this.#lines.length) bail();
    return value;
  }

  #skipComments(): void {
    for (let line = this.#lines[this.#at]; line !== undefined && COMMENT.test(line); line = this.#lines[this.#at])
      this.#at++;
  }

  #indent(): number {
    return (this.#lines[this.#at] ?? "").search(/[^ ]/);
  }

  #mapping(indent: number): Record<string, unknown> {
    if (indent > 2 * DEEPEST) bail();
    const mapping: Record<string, unknown> = {};
    for (this.#skipComments(); this.#at < this.#lines.length && this.#indent() >= indent; this.#skipComments()) {
      if (this.#indent() !== indent) bail();
      const [, key = "", rest = ""] = ENTRY.exec((this.#lines[this.#at] ?? "").slice(indent)) ?? bail();
      if (key === "__proto__" || SPECIAL.test(key) || Object.hasOwn(mapping, key)) bail();
      this.#at++;
      mapping[key] = this.#value(rest, indent);
    }
    return mapping;
  }

  #value(rest: string, indent: number): unknown {
    const given = rest.replace(/^ +/, "");
    if (given === "|") return this.#literal(indent);
    if (given === "" || given.startsWith("#")) return this.#below(indent);
    const value = given.startsWith("[") || given.startsWith("{") ? flowOf(given) : scalarOf(given);
    this.#endOfValue(indent);
    return value;
  }

  /** What goes on in a deeper line belongs to the value, and is not plain. */
  #endOfValue(indent: number): void {
    this.#skipComments();
    if (this.#at < this.#lines.length && this.#indent() > indent) bail();
  }

  #below(indent: number): unknown {
    this.#skipComments();
    const deeper = this.#indent();
    const line = this.#lines[this.#at];
    if (line?.startsWith("- ", deeper) && deeper >= indent) return this.#list(deeper);
    if (line === undefined || deeper <= indent) {
      if (line?.startsWith("-", deeper)) bail();
      return null;
    }
    return this.#mapping(deeper);
  }

  #list(indent: number): unknown[] {
    const items: unknown[] = [];
    for (
      let line = this.#lines[this.#at];
      line?.startsWith("- ", indent) && this.#indent() === indent;
      line = this.#lines[this.#at]
    ) {
      const given = line.slice(indent + 2);
      if (ENTRY.test(given) || given.startsWith(" ") || given.startsWith("-") || given === "|") bail();
      this.#at++;
      items.push(given.startsWith("[") || given.startsWith("{") ? flowOf(given) : scalarOf(given));
      this.#endOfValue(indent);
    }
    if (this.#lines[this.#at]?.startsWith("-", indent) && this.#indent() === indent) bail();
    return items;
  }

  /** A literal block (YAML 1.2.2, 8.1.2) with clipping, the default: one line end at its end. */
  #literal(parent: number): string {
    const indent = this.#indent();
    // Empty lines at the beginning, and blocks without content, have rules of their own.
    if (indent <= parent) bail();
    const body: string[] = [];
    for (; this.#at < this.#lines.length; this.#at++) {
      const line = this.#lines[this.#at] ?? "";
      const here = line.search(/[^ ]/);
      if (here < 0) {
        if (line !== "") bail();
        body.push("");
      } else if (here >= indent) {
        body.push(line.slice(indent));
      } else if (here > parent) {
        bail();
      } else break;
    }
    while (body.at(-1) === "") body.pop();
    return `${body.join("\n")}\n`;
  }
}

function scalarOf(given: string): unknown {
  const quoted = /^(?:"([^"\\]*)"|'([^']*)')(?: +#.*)?$/.exec(given);
  if (quoted) return quoted[1] ?? quoted[2] ?? "";
  const text = given.replace(/ +#.*$/, "").replace(/ +$/, "");
  return BLOCK_TEXT.test(text) ? wordOf(text) : bail();
}

function wordOf(text: string): unknown {
  if (INTEGER.test(text)) return Number(text);
  if (text === "true" || text === "false") return text === "true";
  if (text === "null") return null;
  return TEXT.test(text) && !SPECIAL.test(text) ? text : bail();
}

function flowOf(given: string): unknown {
  const flow = { text: given, at: 0, depth: 0 };
  const value = flowNode(flow);
  return /^ *(?: #.*)?$/.test(given.slice(flow.at)) ? value : bail();
}

interface Flow {
  readonly text: string;
  at: number;
  depth: number;
}

const DEEPEST = 32;

function flowNode(flow: Flow): unknown {
  const first = flow.text[flow.at];
  if (first === "[" || first === "{") {
    if (++flow.depth > DEEPEST) bail();
    const value = first === "[" ? flowList(flow) : flowMapping(flow);
    flow.depth--;
    return value;
  }
  const quoted = take(flow, FLOW_QUOTED);
  if (quoted) {
    // `"a": b` inside a list is a mapping of one pair.
    if (/^ *:/.test(flow.text.slice(flow.at))) bail();
    return quoted[1] ?? quoted[2] ?? "";
  }
  const word = take(flow, FLOW_WORD)?.[0] ?? bail();
  return wordOf(word);
}

function flowList(flow: Flow): unknown[] {
  const items: unknown[] = [];
  for (flow.at++, spaces(flow); flow.text[flow.at] !== "]"; ) {
    items.push(flowNode(flow));
    separator(flow, "]");
  }
  flow.at++;
  return items;
}

function flowMapping(flow: Flow): Record<string, unknown> {
  const mapping: Record<string, unknown> = {};
  for (flow.at++, spaces(flow); flow.text[flow.at] !== "}"; ) {
    const key = take(flow, /[A-Za-z_][A-Za-z0-9_-]*(?=: )/y)?.[0] ?? bail();
    if (key === "__proto__" || SPECIAL.test(key) || Object.hasOwn(mapping, key)) bail();
    flow.at++;
    spaces(flow);
    mapping[key] = flowNode(flow);
    separator(flow, "}");
  }
  flow.at++;
  return mapping;
}

/** Steps over `, ` or stops at the closing bracket. */
function separator(flow: Flow, close: string): void {
  spaces(flow);
  const next = flow.text[flow.at];
  if (next === close) return;
  if (next !== "," || flow.text[flow.at + 1] !== " ") bail();
  flow.at++;
  spaces(flow);
  // A comma before the bracket is allowed in YAML; two are not.
  if (flow.text[flow.at] === close) bail();
}

function spaces(flow: Flow): void {
  while (flow.text[flow.at] === " ") flow.at++;
}

function take(flow: Flow, pattern: RegExp): RegExpExecArray | null {
  pattern.lastIndex = flow.at;
  const match = pattern.exec(flow.text);
  if (match) flow.at = pattern.lastIndex;
  return match;
}

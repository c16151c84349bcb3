import { isMap, isScalar, isSeq, LineCounter, type Node, type Pair, parseDocument } from "yaml";
import type { Place } from "../../stage2/index.ts";

/** A way into a YAML value: keys and indexes from the top. */
export type Path = readonly (string | number)[];

/** Options that reading and finding places again must share. */
export const YAML_OPTIONS = { version: "1.2", schema: "core", uniqueKeys: true, prettyErrors: false } as const;

/**
 * A YAML file that was read. Positions are looked up only when something is to be told, so a project without faults
 * does not pay for them.
 */
export class SourceFile {
  /** As shown to people: relative to the project folder, or absolute when outside. */
  readonly file: string;
  readonly text: string;
  #found: { root: Node | null; lines: LineCounter } | undefined;

  constructor(file: string, text: string) {
    this.file = file;
    this.text = text;
  }

  /** Where a value stands, or its key. Falls back to the nearest thing above it that is in the file. */
  place(path: Path, what: "key" | "value" = "value"): Place {
    const { root } = this.#document();
    let node: Node | null = root;
    let range = rangeOf(root);
    for (const [index, step] of path.entries()) {
      const below = childOf(node, step);
      if (below === undefined) break;
      const key = rangeOf(below.key);
      const value = rangeOf(below.value);
      // A missing value (`init:`) has an empty range behind its key: the key is the better place.
      const wantsKey = (what === "key" && index === path.length - 1) || !value || value[0] === value[1];
      range = (wantsKey ? (key ?? value) : value) ?? range;
      node = below.value;
    }
    return this.placeAt(range?.[0] ?? 0, range?.[1]);
  }

  /** A place by offsets (UTF-16 code units) in the text. */
  placeAt(from: number, to: number = from + 1): Place {
    const { lines } = this.#document();
    const { line, col } = lines.linePos(Math.min(from, this.text.length));
    const start = lines.lineStarts[line - 1] ?? 0;
    const end = this.text.indexOf("\n", start);
    const source = this.text.slice(start, end < 0 ? undefined : end).replace(/\r$/, "");
    const column = Math.max(1, col);
    const length = Math.max(1, Math.min(to - from, source.length - column + 1));
    const place = { file: this.file, line: Math.max(1, line), column, length };
    // A file that could not be read has no lines to show.
    return this.text === "" ? place : { ...place, source };
  }

  #document(): { root: Node | null; lines: LineCounter } {
    if (this.#found) return this.#found;
    const lines = new LineCounter();
    let root: Node | null = null;
    try {
      root = parseDocument(this.text, { ...YAML_OPTIONS, uniqueKeys: false, lineCounter: lines }).contents;
    } catch {
      // Too deep for the parser; the fault that says so still needs line numbers.
      lines.lineStarts = [0, ...[...this.text.matchAll(/\n/g)].map((match) => match.index + 1)];
    }
    this.#found = { root, lines };
    return this.#found;
  }
}

const rangeOf = (node: unknown): readonly [number, number] | undefined => {
  if (node === null || typeof node !== "object" || !("range" in node) || !Array.isArray(node.range)) return undefined;
  const [from, to] = node.range;
  return typeof from === "number" && typeof to === "number" ? [from, to] : undefined;
};

function childOf(node: Node | null, step: string | number): { key: unknown; value: Node | null } | undefined {
  if (isSeq(node) && typeof step === "number") {
    const item = node.items[step];
    return item === undefined ? undefined : { key: item, value: item as Node };
  }
  if (!isMap(node)) return undefined;
  const pair = node.items.find(
    (item: Pair) => (isScalar(item.key) ? String(item.key.value) : undefined) === String(step),
  );
  return pair && { key: pair.key, value: (pair.value ?? null) as Node | null };
}

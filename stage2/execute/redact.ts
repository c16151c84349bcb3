import { FormMatcher, PREFIX } from "./form-matcher.ts";
import { quote } from "./quote.ts";

const MASK = "[redacted]";
/** Shorter values are not looked for: they would blacken half of every log, and hide nothing. */
const SHORTEST = PREFIX;

/**
 * Every form in which a secret may turn up: as it is, base64 (at each of three alignments), hex, percent-encoded
 * (RFC 3986 and as forms send it), JSON, quoted for a shell; of the whole and of each line, because many tools show a
 * key line by line. One character a byte (latin1), so that a secret may be any bytes.
 */
export function secretForms(secret: string | Uint8Array): string[] {
  const whole = Buffer.from(secret).toString("latin1");
  const parts = [whole, whole.trim(), ...whole.split("\n").map((line) => line.trim())];
  return [...new Set([...new Set(parts)].flatMap(encodings))].filter((form) => form.length >= SHORTEST);
}

function encodings(latin1: string): string[] {
  const bytes = Buffer.from(latin1, "latin1");
  const text = bytes.toString("utf8");
  const hex = bytes.toString("hex");
  const percent = [...bytes]
    .map((byte) =>
      /[A-Za-z0-9._~-]/.test(String.fromCharCode(byte)) ? String.fromCharCode(byte) : `%${hexByte(byte)}`,
    )
    .join("");
  const uri = latin1Of(encodeURIComponent(text));
  const json = JSON.stringify(text).slice(1, -1);
  const ascii = json.replace(/[\u0080-\uffff]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`);
  const urls = [percent, uri, percent.replaceAll("%20", "+"), uri.replaceAll("%20", "+")];
  return [
    latin1,
    ...urls,
    ...urls.map((url) => url.replace(/%[0-9A-F]{2}/g, (code) => code.toLowerCase())),
    latin1Of(json),
    ascii,
    quote(latin1).slice(1, -1),
    latin1.replace(/[^A-Za-z0-9_./:=@%+,-]/g, "\\$&"),
    hex,
    hex.toUpperCase(),
    ...base64Forms(bytes),
  ];
}

const hexByte = (byte: number): string => byte.toString(16).toUpperCase().padStart(2, "0");
const latin1Of = (text: string): string => Buffer.from(text, "utf8").toString("latin1");

function base64Forms(bytes: Buffer): string[] {
  return [0, 1, 2].flatMap((shift) => {
    const text = Buffer.concat([Buffer.alloc(shift), bytes])
      .toString("base64")
      .replace(/=+$/, "");
    // The outer characters mix with what stands beside the secret; the inner ones are its own.
    const inner = text.slice(Math.ceil((shift * 8) / 6), Math.floor(((shift + bytes.length) * 8) / 6));
    return [inner, inner.replaceAll("+", "-").replaceAll("/", "_")];
  });
}

/**
 * Masks secrets in a stream, also where one is cut in two by a chunk's border or by line wraps. Works on bytes as
 * latin1 text, so that binary output passes unharmed.
 */
export class Redactor {
  private readonly matcher: FormMatcher;
  /** Text that has to be there before it is clear whether the longest form begins at a place. */
  private readonly window: number;
  private rest = "";

  constructor(secrets: readonly (string | Uint8Array)[]) {
    const forms = secrets.flatMap(secretForms);
    this.window = Math.max(0, ...forms.map((form) => 2 * form.length));
    this.matcher = new FormMatcher(forms);
  }

  /** @returns the bytes that can be shown now; some are held back until it is clear that no secret begins in them. */
  push(chunk: Uint8Array): Buffer {
    const text = this.rest + Buffer.from(chunk).toString("latin1");
    const { shown, end } = this.mask(text, Math.max(0, text.length - this.window));
    this.rest = text.slice(end);
    return Buffer.from(shown, "latin1");
  }

  /** @returns what was held back. */
  end(): Buffer {
    const { rest } = this;
    this.rest = "";
    return Buffer.from(this.mask(rest, rest.length).shown, "latin1");
  }

  /** Masks a whole text at once. */
  text(text: string): string {
    const bytes = latin1Of(text);
    return Buffer.from(this.mask(bytes, bytes.length).shown, "latin1").toString("utf8");
  }

  /** Masks what begins before `until`; @returns it, and where the rest begins. */
  private mask(text: string, until: number): { readonly shown: string; readonly end: number } {
    let shown = "";
    let end = 0;
    for (let found = this.matcher.next(text, 0, until); found; found = this.matcher.next(text, end, until)) {
      shown += text.slice(end, found.at) + MASK;
      end = found.end;
    }
    if (end >= until) return { shown, end };
    return { shown: shown + text.slice(end, until), end: until };
  }
}

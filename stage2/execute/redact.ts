const MASK = "[redacted]";
/** Shorter values are not looked for: they would blacken half of every log, and hide nothing. */
const SHORTEST = 4;

/** The forms in which a secret may turn up in output: raw, base64 at each of three alignments, URL, JSON, hex. */
export function encodedForms(secret: string): string[] {
  const bytes = Buffer.from(secret, "utf8");
  const forms = [
    secret,
    encodeURIComponent(secret),
    JSON.stringify(secret).slice(1, -1),
    bytes.toString("hex"),
    bytes.toString("hex").toUpperCase(),
  ];
  for (let shift = 0; shift < 3; shift++) {
    const text = Buffer.concat([Buffer.alloc(shift), bytes])
      .toString("base64")
      .replace(/=+$/, "");
    // The outer characters mix with what stands beside the secret; the inner ones are its own.
    const inner = text.slice(Math.ceil((shift * 8) / 6), Math.floor(((shift + bytes.length) * 8) / 6));
    forms.push(inner, inner.replaceAll("+", "-").replaceAll("/", "_"));
  }
  return [...new Set(forms)].filter((form) => form.length >= SHORTEST);
}

/**
 * Masks secrets in a stream, also where one is cut in two by a chunk's border. Works on bytes as latin1 text, so that
 * binary output passes unharmed.
 */
export class Redactor {
  private readonly pattern: RegExp | undefined;
  private readonly keep: number;
  private rest = "";

  constructor(secrets: readonly string[]) {
    // A secret of several lines is shown line by line by many tools.
    const parts = secrets.flatMap((secret) => [secret, secret.trim(), ...secret.split("\n")]);
    const forms = [...new Set(parts.flatMap(encodedForms))].map((form) => Buffer.from(form, "utf8").toString("latin1"));
    forms.sort((a, b) => b.length - a.length);
    this.keep = Math.max(0, ...forms.map((form) => form.length - 1));
    this.pattern = forms.length === 0 ? undefined : new RegExp(forms.map(escapeForm).join("|"), "g");
  }

  /** @returns the bytes that can be shown now; some are held back until it is clear that no secret begins in them. */
  push(chunk: Uint8Array): Buffer {
    const text = this.rest + Buffer.from(chunk).toString("latin1");
    const clean = this.mask(text);
    const cut = Math.max(0, clean.length - this.keep);
    this.rest = clean.slice(cut);
    return Buffer.from(clean.slice(0, cut), "latin1");
  }

  /** @returns what was held back. */
  end(): Buffer {
    const { rest } = this;
    this.rest = "";
    return Buffer.from(this.mask(rest), "latin1");
  }

  /** Masks a whole text at once. */
  text(text: string): string {
    return Buffer.from(this.mask(Buffer.from(text, "utf8").toString("latin1")), "latin1").toString("utf8");
  }

  private mask(text: string): string {
    return this.pattern === undefined ? text : text.replace(this.pattern, MASK);
  }
}

const escapeForm = (text: string): string => text.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&");

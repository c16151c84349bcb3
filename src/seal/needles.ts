import type { NamedValue } from "../machine/machine.ts";

/** Bytes that may not be found in an image, and what they are. */
export interface Needle {
  readonly name: string;
  readonly bytes: Buffer;
}

/** Shorter values would be found everywhere by chance. */
export const SHORTEST = 6;

/**
 * A value in the forms in which programs write it down: raw, base64 (at each of the three offsets, so that it is found
 * inside a longer text), URL-encoded (RFC 3986), JSON-escaped.
 */
export function needlesFor({ name, value }: NamedValue): readonly Needle[] {
  const raw = value.trim();
  if (Buffer.byteLength(raw) < SHORTEST) return [];
  const forms = new Map<string, string>([[raw, name]]);
  const add = (text: string, form: string) => {
    if (!forms.has(text)) forms.set(text, `${name} (${form})`);
  };
  for (let shift = 0; shift < 3; shift += 1) add(base64Inside(raw, shift), "base64");
  add(encodeURIComponent(raw), "URL-encoded");
  add(JSON.stringify(raw).slice(1, -1), "JSON-escaped");
  return [...forms].map(([text, label]) => ({ name: label, bytes: Buffer.from(text) }));
}

/** The middle of a value's base64 when `shift` bytes stand before it: only what depends on nothing but the value. */
function base64Inside(value: string, shift: number): string {
  const bytes = Buffer.concat([Buffer.alloc(shift), Buffer.from(value)]);
  const text = bytes.toString("base64").replace(/=+$/, "");
  const from = shift === 0 ? 0 : shift + 1;
  return text.slice(from, bytes.length % 3 === 0 ? undefined : -1);
}

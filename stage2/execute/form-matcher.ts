/** Characters by which forms are looked up; none may be shorter. */
export const PREFIX = 4;

/** Base64 and hex, which tools wrap into lines. */
const WRAPPABLE = /^[A-Za-z0-9+/_-]+$/;

interface Found {
  readonly at: number;
  /** Behind its last character. */
  readonly end: number;
}

/**
 * Finds any of many texts in another one. By a table of their first characters, not by one regular expression: a key in PEM
 * has some 50,000 characters in all its forms, and compiling those with line breaks that may be there takes seconds.
 */
export class FormMatcher {
  /** The longest first: a secret that begins like another one is masked whole. */
  private readonly byPrefix: ReadonlyMap<string, readonly string[]>;

  /** @param forms at least {@link PREFIX} characters each. */
  constructor(forms: readonly string[]) {
    const byPrefix = new Map<string, string[]>();
    for (const form of [...new Set(forms)].sort((a, b) => b.length - a.length)) {
      const prefix = form.slice(0, PREFIX);
      const same = byPrefix.get(prefix);
      if (same) same.push(form);
      else byPrefix.set(prefix, [form]);
    }
    this.byPrefix = byPrefix;
  }

  /** The first that begins at `from` or behind it, and before `until`; of those at one place, the longest. */
  next(text: string, from: number, until: number): Found | undefined {
    if (this.byPrefix.size === 0) return undefined;
    for (let at = from; at < until; at += 1) {
      const end = this.endAt(text, at);
      if (end !== undefined) return { at, end };
    }
    return undefined;
  }

  private endAt(text: string, at: number): number | undefined {
    const plain = text.slice(at, at + PREFIX);
    const joined = plain.includes("\n") ? withoutBreaks(text, at) : plain;
    const forms = this.byPrefix.get(plain) ?? [];
    // A break within the first characters: only what may be wrapped begins so.
    const wrapped = joined === plain ? forms : (this.byPrefix.get(joined) ?? []);
    let best: number | undefined;
    let length = 0;
    for (const form of forms === wrapped ? forms : [...forms, ...wrapped]) {
      if (form.length <= length) continue;
      const end = endOf(form, text, at);
      if (end !== undefined) [best, length] = [end, form.length];
    }
    return best;
  }
}

/** The first characters at a place, single line breaks between them left out. */
function withoutBreaks(text: string, at: number): string {
  let found = "";
  for (let i = at; found.length < PREFIX && i < text.length; i += 1) {
    const character = text[i] ?? "";
    if (character !== "\n") found += character;
    else if (found === "" || text[i - 1] === "\n") return found;
  }
  return found;
}

/** Where a form ends that begins at a place; one that may be wrapped has at most one line break between two characters. */
function endOf(form: string, text: string, at: number): number | undefined {
  if (text.startsWith(form, at)) return at + form.length;
  if (!WRAPPABLE.test(form)) return undefined;
  let i = at;
  for (let j = 0; j < form.length; j += 1, i += 1) {
    if (j > 0 && text[i] === "\n") i += 1;
    if (text[i] !== form[j]) return undefined;
  }
  return i;
}

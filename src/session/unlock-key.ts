import type { ParsedKey } from "ssh2";
import { readPrivateKey } from "./private-key.ts";

/**
 * Asks the person for a secret without showing it; undefined where there is no terminal.
 *
 * @param refused an answer to the same question that turned out to be wrong: it is not given again without asking.
 */
export type AskSecret = (question: string, refused?: string) => Promise<string | undefined>;

/** As often as ssh(1) asks (NumberOfPasswordPrompts). */
const TRIES = 3;

/** One answer a file and process, also when many hosts want the key at the same time. */
const opened = new Map<string, Promise<ParsedKey | string>>();

/** Opens an encrypted key by asking for its passphrase; a string is the reason why not, to follow the file's name. */
export function unlockKey(file: string, text: string, ask: AskSecret | undefined): Promise<ParsedKey | string> {
  const before = opened.get(file);
  if (before) return before;
  const opening = askAndOpen(file, text, ask);
  opened.set(file, opening);
  // Where nobody was asked, or the question was broken off, somebody may be asked later.
  if (ask) opening.catch(() => opened.delete(file));
  else opened.delete(file);
  return opening;
}

async function askAndOpen(file: string, text: string, ask: AskSecret | undefined): Promise<ParsedKey | string> {
  let refused: string | undefined;
  for (let count = 0; count < TRIES; count += 1) {
    const question = `Passphrase of ${file}${count ? ", which the last one did not open" : ""}`;
    const passphrase = await ask?.(question, refused);
    if (passphrase === undefined || passphrase === "")
      return count === 0 ? "was skipped: it has a passphrase, and nobody can be asked" : "was skipped";
    const key = readPrivateKey(text, passphrase);
    if (key) return key;
    refused = passphrase;
  }
  return "was skipped: the passphrase does not open it";
}

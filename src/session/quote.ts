import { quote } from "../../stage2/index.ts";

const PLAIN = /^[A-Za-z0-9_@%+=:,./-]+$/;

/**
 * Writes argv as one line for a POSIX shell, so that the shell passes exactly these words on.
 * SSH's exec request carries one string (RFC 4254, 6.5); this is the only place that makes it.
 *
 * @throws {RangeError} for a word with a NUL byte, which no process can be given.
 */
export function quoteArgv(argv: readonly string[]): string {
  return argv.map(quoteWord).join(" ");
}

function quoteWord(word: string): string {
  if (word.includes("\0")) throw new RangeError("A command's word holds a NUL byte");
  return PLAIN.test(word) ? word : quote(word);
}

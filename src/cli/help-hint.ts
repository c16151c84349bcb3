import type { CommandSpec } from "./command.ts";

/** Points to the help of the command that the words begin with, so far as there is one: `bootlace image ls --help`. */
export function helpHint(argv: readonly string[], specs: readonly CommandSpec[]): string {
  const words = argv.filter((word, index) => !word.startsWith("-") && argv[index - 1] !== "-C");
  const known = specs.map(({ name }) => name.split(" "));
  const named: string[] = [];
  for (const word of words) {
    if (!known.some((name) => [...named, word].every((part, index) => name[index] === part))) break;
    named.push(word);
  }
  return `\`${["bootlace", ...named, "--help"].join(" ")}\` shows what is there.`;
}

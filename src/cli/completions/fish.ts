import type { CommandSpec } from "../command.ts";
import { type CommandModel, completionModel, DYNAMIC_KINDS, type FlagModel, wordTree } from "./model.ts";

/** The completion script for fish 3; words of the project come from `bootlace __complete KIND`. */
export function fishCompletions(specs: readonly CommandSpec[]): string {
  const models = completionModel(specs);
  const lines = [
    "# fish completion of bootlace; put into ~/.config/fish/completions/bootlace.fish",
    "function __bootlace_words",
    "  bootlace __complete $argv[1] 2>/dev/null",
    "end",
    "complete -c bootlace -f",
    "complete -c bootlace -n __fish_use_subcommand -l version -d 'Print the version'",
  ];
  for (const [name, { summary, children }] of wordTree(models)) {
    lines.push(`complete -c bootlace -n __fish_use_subcommand -a ${quote(name)} -d ${quote(summary)}`);
    for (const child of children) {
      const word = child.name.split(" ")[1] ?? "";
      lines.push(
        `complete -c bootlace -n ${quote(`__fish_seen_subcommand_from ${name}`)} -a ${quote(word)} -d ${quote(child.summary)}`,
      );
    }
  }
  for (const model of models) lines.push(...linesOf(model));
  return `${lines.join("\n")}\n`;
}

const quote = (text: string): string => `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;

function linesOf(model: CommandModel): string[] {
  const seen = model.name.split(" ").map((word) => `__fish_seen_subcommand_from ${word}`);
  const condition = `complete -c bootlace -n ${quote(seen.join("; and "))}`;
  const kinds = new Set(model.arguments.map(({ kind }) => kind));
  return [
    ...model.flags.map((flag) => `${condition} ${flagWords(flag)} -d ${quote(flag.summary)}`),
    ...[...kinds]
      .filter((kind) => DYNAMIC_KINDS.includes(kind))
      .map((kind) => `${condition} -a '(__bootlace_words ${kind})'`),
    ...(kinds.has("directory") ? [`${condition} -a '(__fish_complete_directories)'`] : []),
  ];
}

function flagWords({ names, value }: FlagModel): string {
  const words = names.map((name) => (name.startsWith("--") ? `-l ${name.slice(2)}` : `-s ${name.slice(1)}`));
  if (typeof value === "object") words.push(`-x -a ${quote(value.join(" "))}`);
  else if (value === "directory") words.push("-x -a '(__fish_complete_directories)'");
  else if (value !== undefined)
    words.push(DYNAMIC_KINDS.includes(value) ? `-x -a '(__bootlace_words ${value})'` : "-x");
  return words.join(" ");
}

import type { ArgumentSpec, CommandSpec, WordKind } from "../command.ts";

export interface FlagModel {
  /** `-s`, `--service`. */
  readonly names: readonly string[];
  readonly summary: string;
  /** What its value is, or undefined for a switch. */
  readonly value: WordKind | readonly string[] | undefined;
}

export interface CommandModel {
  /** `image ls`. */
  readonly name: string;
  readonly summary: string;
  readonly flags: readonly FlagModel[];
  readonly arguments: readonly ArgumentSpec[];
}

const EVERYWHERE: readonly FlagModel[] = [
  { names: ["-C"], summary: "Work on the project in this folder", value: "directory" },
  { names: ["--json"], summary: "Print JSON for programs", value: undefined },
  { names: ["--yes"], summary: "Do not ask", value: undefined },
  { names: ["--help"], summary: "Show help, with examples", value: undefined },
];

/** The table as the completion scripts need it. */
export function completionModel(specs: readonly CommandSpec[]): readonly CommandModel[] {
  return specs.map(({ name, summary, arguments: args = [], options = [] }) => ({
    name,
    summary,
    arguments: args,
    flags: [
      ...options.map((option): FlagModel => {
        const names = option.flags.match(/--?[A-Za-z][\w-]*/g) ?? [];
        const takesValue = /[<[]/.test(option.flags);
        return {
          names,
          summary: option.summary,
          value: takesValue ? (option.choices ?? option.kind ?? "text") : undefined,
        };
      }),
      ...EVERYWHERE,
    ],
  }));
}

/** Kinds of words that `bootlace __complete KIND` lists from the project. */
export const DYNAMIC_KINDS: readonly string[] = ["service", "machine", "image", "target", "channel", "phase", "step"];

/** First words and, for those that have them, second words: `image` → `ls`, `show`. */
export function wordTree(models: readonly CommandModel[]): Map<string, { summary: string; children: CommandModel[] }> {
  const tree = new Map<string, { summary: string; children: CommandModel[] }>();
  for (const model of models) {
    const [first = "", second] = model.name.split(" ");
    const entry = tree.get(first) ?? { summary: second ? `${first} …` : model.summary, children: [] };
    if (second) entry.children.push(model);
    tree.set(first, entry);
  }
  return tree;
}

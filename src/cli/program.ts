import { Argument, Command, Option } from "commander";
import { BootlaceError } from "../../stage2/index.ts";
import { parseDuration } from "../manifest/duration.ts";
import type { ArgumentSpec, CommandSpec, OptionSpec } from "./command.ts";

/** What the parser found: one row of the table and the words for it. */
export interface Call {
  readonly spec: CommandSpec;
  readonly args: readonly string[];
  readonly options: Readonly<Record<string, unknown>>;
}

export const GROUP_TITLES: Readonly<Record<CommandSpec["group"], string>> = {
  project: "Project:",
  machine: "Machines:",
  image: "Images:",
  store: "Store:",
  other: "Other:",
};

/**
 * Builds the parser from the table. `onCall` is told which command was asked for; nothing is loaded or run here.
 * Words of more than one part (`image ls`) become nested commands.
 */
export function makeProgram(specs: readonly CommandSpec[], version: string, onCall: (call: Call) => void): Command {
  const program = new Command("bootlace")
    .description("Turns an empty Linux machine into a finished one from small services.")
    .version(version, "-V, --version", "Print the version")
    .helpOption("-h, --help", "Show help, with examples")
    .helpCommand("help [command]", "Show help for a command")
    .showSuggestionAfterError(true)
    .exitOverride();
  addEverywhere(program);
  for (const spec of specs) {
    const words = spec.name.split(" ");
    const last = words.pop() ?? spec.name;
    let parent = program;
    for (const word of words) parent = childNamed(parent, word, spec);
    const command = childNamed(parent, last, spec).summary(spec.summary).description(`${spec.summary}.`);
    for (const argument of spec.arguments ?? []) command.addArgument(makeArgument(argument));
    for (const option of spec.options ?? []) command.addOption(makeOption(option));
    addEverywhere(command);
    command.addHelpText("after", examplesText(spec));
    command.action(() => {
      const { C, json, yes, ...own } = command.optsWithGlobals();
      const everywhere = { ...program.opts(), ...pick({ C, json, yes }) };
      onCall({ spec, args: command.args, options: { ...own, ...everywhere } });
    });
  }
  for (const parent of program.commands) {
    const words = parent.commands.map((child) => child.name()).join(", ");
    if (parent.summary() === "" && words !== "") parent.summary(words).description(`One of: ${words}.`);
  }
  return program;
}

function childNamed(parent: Command, name: string, spec: CommandSpec): Command {
  const known = parent.commands.find((command) => command.name() === name);
  if (known) return known;
  const child = parent.command(name).helpGroup(GROUP_TITLES[spec.group]);
  child.helpOption("-h, --help", "Show help, with examples").helpCommand(false);
  return child;
}

function addEverywhere(command: Command): void {
  command
    .addOption(new Option("-C <dir>", "Work on the project in this folder"))
    .addOption(new Option("--json", "Print JSON for programs"))
    .addOption(new Option("--yes", "Do not ask"));
}

function makeArgument(spec: ArgumentSpec): Argument {
  const word = spec.variadic ? `${spec.name}...` : spec.name;
  return new Argument(spec.optional ? `[${word}]` : `<${word}>`, spec.summary);
}

function makeOption(spec: OptionSpec): Option {
  const option = new Option(spec.flags, spec.summary);
  if (spec.choices) option.choices(spec.choices);
  const flag = option.long ?? option.short ?? spec.flags;
  if (spec.parse === "integer") option.argParser((text: string) => parseInteger(flag, text));
  if (spec.parse === "duration") option.argParser((text: string) => parseTime(flag, text));
  return option;
}

function parseInteger(flag: string, text: string): number {
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw new BootlaceError("E_USAGE", `${flag} expects a whole number, "${text}" came`);
}

function parseTime(flag: string, text: string): number {
  const milliseconds = parseDuration(text);
  if (milliseconds !== undefined) return milliseconds;
  throw new BootlaceError("E_USAGE", `${flag} expects a duration such as 500ms, 30s or 2m, "${text}" came`);
}

function examplesText(spec: CommandSpec): string {
  const lines = spec.examples.map(({ command, summary }) => `  $ ${command}\n      ${summary}`);
  return `\nExamples:\n${lines.join("\n")}`;
}

function pick(values: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined));
}

import { CODES, EXIT, NOTICES } from "../../stage2/index.ts";
import type { ArgumentSpec, CommandSpec } from "./command.ts";
import { GROUP_TITLES } from "./program.ts";
import { COMMANDS } from "./table.ts";

const MADE = "<!-- Made by `npm run docs` from the code; a test holds it. -->";

/** docs/errors.md: a row for each code. */
export function errorsPage(): string {
  const exits = Object.entries(EXIT).map(([name, code]) => `| ${code} | ${EXIT_MEANS[name as keyof typeof EXIT]} |`);
  const rows = Object.entries(CODES).map(
    ([code, { exit, means, remedy }]) => `| \`${code}\` | ${exit} | ${cell(means)} | ${cell(remedy)} |`,
  );
  const notices = Object.entries(NOTICES).map(
    ([code, { means, remedy }]) => `| \`${code}\` | ${cell(means)} | ${cell(remedy)} |`,
  );
  return `# Errors
${MADE}

Every failure that can be expected has a stable code. Faults in files are collected and reported together, as
\`file:line:column severity CODE: message\` with the line, a caret and a suggestion; \`--json\` gives the same as data.

## Exit codes

| exit | means |
|---|---|
${exits.join("\n")}

When several apply, the order is 4, 7, 3, 6, 5, 1.

## Codes

| code | exit | what it means | what to do |
|---|---|---|---|
${rows.join("\n")}

## Notices

What a run tells on its way; it goes on. In \`events.jsonl\` they are events of kind \`notice\`.

| code | what it means | what to do |
|---|---|---|
${notices.join("\n")}
`;
}

const EXIT_MEANS: Readonly<Record<keyof typeof EXIT, string>> = {
  ok: "done; also when degraded (a failure was ignored, and `status` says so)",
  serviceFailed: "a service failed, or was blocked by one that did",
  usage: "the command line or the project's files are wrong; nothing was done",
  locked: "another run holds the machine's lock",
  trust: "a signature, serial or digest was refused",
  store: "the store is out of reach, and there is nothing good to fall back to",
  machine: "a machine or provider failed",
  journal: "the machine's journal was refused",
  degraded: "degraded, with `--strict`",
  internal: "a bug in Bootlace",
  interrupted: "ended by SIGINT",
  terminated: "ended by SIGTERM",
};

/** docs/cli.md: every command with its arguments, options and examples. */
export function cliPage(): string {
  const groups = Object.entries(GROUP_TITLES).map(([group, title]) => {
    const commands = COMMANDS.filter((command) => command.group === group).map(commandSection);
    return commands.length === 0 ? "" : `## ${title.replace(":", "")}\n\n${commands.join("\n")}`;
  });
  return `# Command line
${MADE}

Everywhere: \`-C DIR\` works on the project in that folder, \`--json\` prints JSON for programs, \`--yes\` does not ask,
\`--help\` shows help with examples. Exit codes are in [errors.md](errors.md).

Completion: \`eval "$(bootlace completions bash)"\`, the same for \`zsh\`;
\`bootlace completions fish > ~/.config/fish/completions/bootlace.fish\`.

${groups.filter((text) => text !== "").join("\n")}`;
}

function commandSection({ name, summary, arguments: args = [], options = [], examples }: CommandSpec): string {
  const words = args.map(argumentText).join(" ");
  const rows = [
    ...args.map((argument) => `| \`${argumentText(argument)}\` | ${cell(argument.summary)} |`),
    ...options.map((option) => {
      const choices = option.choices ? `: ${option.choices.join(", ")}` : "";
      return `| \`${cell(option.flags)}\` | ${cell(option.summary)}${choices} |`;
    }),
  ];
  const table = rows.length === 0 ? "" : `| | |\n|---|---|\n${rows.join("\n")}\n\n`;
  const shown = examples.map((example) => `# ${example.summary}\n${example.command}`).join("\n");
  return `### \`bootlace ${name}${words === "" ? "" : ` ${words}`}\`\n\n${summary}.\n\n${table}\`\`\`sh\n${shown}\n\`\`\`\n`;
}

function argumentText({ name, optional, variadic }: ArgumentSpec): string {
  const word = `${name.toUpperCase()}${variadic ? "…" : ""}`;
  return optional ? `[${word}]` : word;
}

const cell = (text: string): string => text.replaceAll("|", "\\|").replaceAll("\n", " ");

import { quote } from "../../../stage2/index.ts";
import type { CommandSpec } from "../command.ts";
import { completionModel, DYNAMIC_KINDS, type FlagModel, wordTree } from "./model.ts";

/** The completion script for zsh; words of the project come from `bootlace __complete KIND`. */
export function zshCompletions(specs: readonly CommandSpec[]): string {
  const models = completionModel(specs);
  const tree = wordTree(models);
  const first = [...tree].map(([name, { summary }]) => `    ${quote(`${escapeSpec(name)}:${summary}`)}`);
  const parents = [...tree].filter(([, { children }]) => children.length > 0);
  return `#compdef bootlace
# zsh completion of bootlace; put into ~/.zshrc: eval "$(bootlace completions zsh)"
_bootlace_words() {
  local -a found
  # _arguments puts options for compadd before our own word.
  found=(\${(f)"$(bootlace __complete "$argv[-1]" \${opt_args[-C]:+"\${opt_args[-C]}"} 2>/dev/null)"})
  compadd "\${(@)argv[1,-2]}" -a found
}
_bootlace() {
  local curcontext=$curcontext state line name
  local -a commands
  commands=(
${first.join("\n")}
  )
  typeset -A opt_args
  _arguments -C '-C[Work on the project in this folder]:folder:_files -/' '--json[Print JSON for programs]' '--yes[Do not ask]' '--help[Show help]' '1: :->command' '*:: :->rest' && return
  if [ "$state" = command ]; then _describe command commands; return; fi
  name=$words[1]
  case "$name $words[2]" in
${parents.flatMap(([, { children }]) => children.map(({ name }) => `    ${quote(name)}) name="$name $words[2]"; shift words; CURRENT=$((CURRENT - 1)) ;;`)).join("\n") || "    '') ;;"}
  esac
  case "$name" in
${models
  .map((model) => {
    const flags = model.flags.flatMap(flagSpecs);
    const args = model.arguments.map(
      ({ name, kind, variadic }, index) => `${variadic ? "*" : index + 1}:${escapeSpec(name)}:${actionOf(kind)}`,
    );
    return `    ${quote(model.name)}) _arguments ${[...flags, ...args].map(quote).join(" ")} ;;`;
  })
  .join("\n")}
${parents
  .filter(([name]) => !models.some((model) => model.name === name))
  .map(([name, { children }]) => {
    const words = children.map((child) => `${child.name.split(" ")[1]}:${escapeSpec(child.summary)}`);
    return `    ${quote(name)}) local -a subs; subs=(${words.map(quote).join(" ")}); _describe command subs ;;`;
  })
  .join("\n")}
  esac
}
compdef _bootlace bootlace
`;
}
const escapeSpec = (text: string): string => text.replace(/[[\]:\\]/g, "\\$&");

function flagSpecs({ names, summary, value }: FlagModel): string[] {
  const action =
    typeof value === "object" ? `:value:(${value.join(" ")})` : value ? `:${value}:${actionOf(value)}` : "";
  return names.map((name) => `${name}[${escapeSpec(summary)}]${action}`);
}

const actionOf = (kind: string): string =>
  DYNAMIC_KINDS.includes(kind) ? `_bootlace_words ${kind}` : kind === "directory" ? "_files -/" : " ";

import { quote } from "../../../stage2/index.ts";
import type { CommandSpec } from "../command.ts";
import { type CommandModel, completionModel, DYNAMIC_KINDS, type FlagModel, wordTree } from "./model.ts";

/** The completion script for bash 4 and later; words of the project come from `bootlace __complete KIND`. */
export function bashCompletions(specs: readonly CommandSpec[]): string {
  const models = completionModel(specs);
  const tree = wordTree(models);
  const parents = [...tree].filter(([, { children }]) => children.length > 0);
  return `# bash completion of bootlace; put into ~/.bashrc: eval "$(bootlace completions bash)"
_bootlace() {
  local cur=\${COMP_WORDS[COMP_CWORD]} prev=\${COMP_WORDS[COMP_CWORD-1]} name= count=0 dir= word i
  for ((i = 1; i < COMP_CWORD; i++)); do
    word=\${COMP_WORDS[i]}
    case $word in
      -C) i=$((i + 1)); dir=\${COMP_WORDS[i]} ;;
      -*) ;;
      *)
        if [ -z "$name" ]; then name=$word
        else
          case "$name $word" in
${parents.map(([, { children }]) => `            ${children.map(({ name }) => quote(name)).join("|")}) name="$name $word" ;;`).join("\n") || "            '') ;;"}
            *) count=$((count + 1)) ;;
          esac
        fi ;;
    esac
  done
  COMPREPLY=()
  local kind= words=
  [ "$prev" = -C ] && kind=directory
  if [ -z "$kind$name" ]; then
    words=${quote([...tree.keys(), "help", "-C", "--json", "--yes", "--help", "--version"].join(" "))}
  elif [ -z "$kind" ]; then
    case "$name" in
${models.map((model) => caseOf(model, tree.get(model.name)?.children ?? [])).join("\n")}
${parents
  .filter(([name]) => !models.some((model) => model.name === name))
  .map(([name, { children }]) => `      ${quote(name)}) words=${quote(children.map(second).join(" "))} ;;`)
  .join("\n")}
    esac
  fi
  case $kind in
    directory) mapfile -t COMPREPLY < <(compgen -d -- "$cur"; compgen -W "$words" -- "$cur"); return ;;
    ${DYNAMIC_KINDS.join("|")}) words="$(bootlace __complete "$kind" \${dir:+"$dir"} 2>/dev/null) $words" ;;
    words:*) words=\${kind#words:} ;;
  esac
  mapfile -t COMPREPLY < <(compgen -W "$words" -- "$cur")
}
# Before bash 4.4 there is no nosort, and options come before words.
complete -o nosort -F _bootlace bootlace 2>/dev/null || complete -F _bootlace bootlace
`;
}

const second = ({ name }: CommandModel): string => name.split(" ")[1] ?? "";
function caseOf(model: CommandModel, children: readonly CommandModel[]): string {
  const valued = model.flags.filter(({ value, names }) => value !== undefined && !names.includes("-C"));
  const flags = model.flags.flatMap(({ names }) => names).join(" ");
  const options = valued.map((flag) => `          ${flag.names.join("|")}) kind=${quote(kindOf(flag))} ;;`);
  const positions = model.arguments.map(
    ({ kind, variadic }, index) => `            ${variadic ? "*" : index}) kind=${kind} ;;`,
  );
  const words = children.map(second).join(" ");
  return `      ${quote(model.name)})
        case $prev in
${options.join("\n")}
          *)
            words=${quote(`${words ? `${words} ` : ""}${flags}`)}
            [ "\${cur#-}" != "$cur" ] || case $count in
${positions.join("\n")}
            -) ;;
            esac ;;
        esac ;;`;
}

const kindOf = ({ value }: FlagModel): string =>
  typeof value === "object" ? `words:${value.join(" ")}` : (value ?? "");

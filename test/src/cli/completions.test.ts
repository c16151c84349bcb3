import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { bashCompletions } from "../../../src/cli/completions/bash.ts";
import { fishCompletions } from "../../../src/cli/completions/fish.ts";
import { zshCompletions } from "../../../src/cli/completions/zsh.ts";
import { COMMANDS } from "../../../src/cli/table.ts";

/** What bash offers after these words; the last one is being typed. `bootlace __complete` answers with two services. */
function offered(...words: string[]): string[] {
  const script = `${bashCompletions(COMMANDS)}
bootlace() { [ "$1 $2" = "__complete service" ] && printf 'shop\\nweb\\n'; [ "$1 $2" = "__complete image" ] && printf 'base\\nweb\\n'; }
COMP_WORDS=(${words.map((word) => `'${word}'`).join(" ")}); COMP_CWORD=${words.length - 1}
_bootlace; printf '%s\\n' "\${COMPREPLY[@]}"`;
  return execFileSync("bash", ["-c", script], { encoding: "utf8" }).split("\n").filter(Boolean);
}

test("bashCompletions() offers commands, second words, options and services of the project", () => {
  expect(offered("bootlace", "ch")).toEqual(["check"]);
  expect(offered("bootlace", "new", "ser")).toContain("service");
  expect(offered("bootlace", "check", "--eff")).toEqual(["--effective"]);
  expect(offered("bootlace", "check", "--effective", "s")).toEqual(["shop"]);
  expect(offered("bootlace", "-C", "x", "graph", "w")).toEqual(["web"]);
});

test("bashCompletions() offers the words of an argument before the options, in the order in which readline keeps them", () => {
  expect(offered("bootlace", "build", "").slice(0, 3)).toEqual(["base", "web", "--force"]);
  expect(offered("bootlace", "image", "").slice(0, 2)).toEqual(["ls", "show"]);
  expect(bashCompletions(COMMANDS)).toContain("complete -o nosort ");
});

test.each([
  ["bash", bashCompletions, ["bash", "-n"]],
  ["zsh", zshCompletions, ["zsh", "-n"]],
  ["fish", fishCompletions, ["fish", "--no-execute"]],
] as const)(
  "the completion script of %s names every command and is valid where the shell is there",
  (_, make, check) => {
    const script = make(COMMANDS);
    for (const { name } of COMMANDS) for (const word of name.split(" ")) expect(script).toContain(word);
    const [shell = "", ...args] = check;
    const dir = mkdtempSync(join(tmpdir(), "bootlace-completions-"));
    onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
    writeFileSync(join(dir, "script"), script);
    const { error, status, stderr } = spawnSync(shell, [...args, join(dir, "script")], { encoding: "utf8" });
    if (error === undefined) expect([status, stderr]).toEqual([0, ""]);
  },
);

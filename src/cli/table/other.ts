import type { CommandSpec } from "../command.ts";

export const otherCommands: readonly CommandSpec[] = [
  {
    name: "demo",
    group: "other",
    summary: "Build the example shop, boot it twice, ask it for one more service, fetch its page; leaves nothing",
    examples: [{ command: "bootlace demo", summary: "needs Linux and root; half a minute" }],
    load: () => import("../../commands/demo.ts"),
  },
  {
    name: "selftest",
    group: "other",
    summary: "Prove on this machine that killed runs are taken up rightly",
    options: [
      { flags: "--crash", summary: "Kill the runner after every journal write and at random moments" },
      { flags: "--random <n>", summary: "How many random moments (default 20)", parse: "integer" },
    ],
    examples: [{ command: "bootlace selftest --crash", summary: "about half a minute" }],
    load: () => import("../../commands/selftest.ts"),
  },
  {
    name: "schema",
    group: "other",
    summary: "Print the JSON Schema of service.yaml or bootlace.yaml",
    arguments: [{ name: "file", summary: "`service` or `bootlace`", kind: "text", optional: true }],
    options: [{ flags: "--write", summary: "Write both into .bootlace/schema of the project, for editors" }],
    examples: [
      { command: "bootlace schema service > service.schema.json", summary: "the schema of service.yaml" },
      { command: "bootlace schema --write", summary: "refresh what the modelines of this project point to" },
    ],
    load: () => import("../../commands/schema.ts"),
  },
  {
    name: "completions",
    group: "other",
    summary: "Print the completion script of a shell",
    arguments: [{ name: "shell", summary: "`bash`, `zsh` or `fish`", kind: "text" }],
    examples: [
      { command: 'eval "$(bootlace completions bash)"', summary: "in ~/.bashrc" },
      { command: "bootlace completions fish > ~/.config/fish/completions/bootlace.fish", summary: "for fish" },
    ],
    load: () => import("../../commands/completions.ts"),
  },
];

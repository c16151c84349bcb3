import type { CommandSpec } from "../command.ts";

export const storeCommands: readonly CommandSpec[] = [
  {
    name: "deploy",
    group: "store",
    summary: "Pack the project, send what the store lacks, move a channel to it",
    arguments: [{ name: "channel", summary: "Channel that machines follow", kind: "channel" }],
    options: [
      { flags: "--store <url>", summary: "A path, file:/// or http(s):// instead of the project's store" },
      { flags: "--plan", summary: "Show what would be sent and moved, and do nothing" },
    ],
    examples: [
      { command: "bootlace deploy stable", summary: "machines that follow stable get it at their next boot" },
      { command: "bootlace deploy stable --store /srv/boot --plan", summary: "what would be sent to that folder" },
    ],
    load: () => import("../../commands/deploy.ts"),
  },
];

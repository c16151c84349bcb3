import type { CommandSpec } from "../command.ts";

export const storeCommands: readonly CommandSpec[] = [
  {
    name: "deploy",
    group: "store",
    summary: "Pack the project, send what the store lacks, move a channel to it",
    arguments: [{ name: "channel", summary: "Channel that machines follow", kind: "channel" }],
    options: [
      {
        flags: "--from <channel>",
        summary: "Point to what this channel points to; nothing is packed",
        kind: "channel",
      },
      { flags: "--wait", summary: "Wait until the running machines that follow the channel have booted it well" },
      {
        flags: "--notify",
        summary: "Tell machines with bootlace/deploy-listener now; with --wait, collect their results",
      },
      { flags: "--timeout <time>", summary: "How long to wait, such as 5m; default 15m", parse: "duration" },
      { flags: "--replace", summary: "Publish over a pointer that no key of the project signed" },
      { flags: "--presign <file>", summary: "Write URLs that need no credentials to a file, for a first delivery" },
      { flags: "--for <time>", summary: "How long these URLs work, such as 30m; default 1h", parse: "duration" },
      { flags: "--store <url>", summary: "s3://, a path or file:/// instead of the project's store" },
      { flags: "--plan", summary: "Show what would be sent and moved, and do nothing" },
    ],
    examples: [
      { command: "bootlace deploy stable", summary: "machines that follow stable get it at their next boot" },
      { command: "bootlace deploy stable --notify --wait", summary: "machines update now, and tell how it went" },
      { command: "bootlace deploy prod --from stable --wait", summary: "the very bytes that stable has, to prod" },
      { command: "bootlace deploy stable --store /srv/boot --plan", summary: "what would be sent to that folder" },
      {
        command: "bootlace deploy stable --presign first-boot.urls --for 30m",
        summary: "URLs for boot.conf's auth=presigned",
      },
    ],
    load: () => import("../../commands/deploy.ts"),
  },
  {
    name: "setup",
    group: "store",
    summary: "Make the store's bucket and the table of image records, once for all desks, and print the IAM policies",
    options: [
      { flags: "--plan", summary: "Show what is there and what would be made, and do nothing" },
      { flags: "--policies", summary: "Only print the policies for a desk, a builder and instances" },
    ],
    examples: [
      { command: "bootlace setup --plan", summary: "what is missing" },
      { command: "bootlace setup --policies", summary: "JSON for whoever manages the account" },
    ],
    load: () => import("../../commands/setup.ts"),
  },
  {
    name: "rollback",
    group: "store",
    summary:
      "Point a channel to the bundle that it had before, or bring a template, group or parameter to its image before",
    arguments: [{ name: "target", summary: "channel/NAME, lt/NAME, asg/NAME or ssm/NAME", kind: "text" }],
    options: [
      { flags: "--list", summary: "Show what the channel pointed to, the newest first, and do nothing" },
      { flags: "--all", summary: "With --list: not only the newest 50" },
      { flags: "--to <n>", summary: "To what it was with this serial, or to this version", parse: "integer" },
      { flags: "--no-wait", summary: "asg: begin it and do not follow it" },
      { flags: "--region <region>", summary: "lt, asg, ssm: instead of the project's region", kind: "text" },
      { flags: "--store <url>", summary: "s3://, a path or file:/// instead of the project's store" },
      { flags: "--plan", summary: "Show what would be moved, and do nothing" },
    ],
    examples: [
      { command: "bootlace rollback channel/prod", summary: "machines get the bundle before at their next boot" },
      { command: "bootlace rollback channel/prod --list", summary: "serial, time, bundle and publisher of each move" },
      { command: "bootlace rollback asg/shop-web", summary: "take a refresh back, or refresh to the version before" },
      { command: "bootlace rollback channel/prod --to 57 --plan", summary: "what going back to serial 57 would do" },
    ],
    load: () => import("../../commands/rollback.ts"),
  },
];

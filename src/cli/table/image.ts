import type { CommandSpec } from "../command.ts";

export const imageCommands: readonly CommandSpec[] = [
  {
    name: "build",
    group: "image",
    summary: "Build images, from base to a proven image in one command",
    arguments: [{ name: "images", summary: "Images of bootlace.yaml", kind: "image", variadic: true }],
    options: [
      { flags: "--force", summary: "Build even if nothing changed" },
      {
        flags: "--on-error <what>",
        summary: "After a failure (default: ask at a terminal, else clean)",
        choices: ["ask", "clean", "keep"],
      },
      { flags: "--resume <id>", summary: "Go on with a build that was kept", kind: "text" },
      { flags: "--on <provider>", summary: "Provider instead of the file's", choices: ["sandbox", "qemu", "ec2"] },
    ],
    examples: [
      { command: "bootlace build web", summary: "base images come first where they are missing" },
      { command: "bootlace build web --force --on-error keep", summary: "leave the machine of a failed build" },
      { command: "bootlace build web --json", summary: "every step and event, one JSON line each" },
    ],
    load: () => import("../../commands/build.ts"),
  },
  {
    name: "image ls",
    group: "image",
    summary: "List the images, newest first",
    examples: [{ command: "bootlace image ls", summary: "with age, size and what stands on them" }],
    load: () => import("../../commands/image-ls.ts"),
  },
  {
    name: "image show",
    group: "image",
    summary: "Show what an image is made of",
    arguments: [{ name: "image", summary: "NAME or NAME/ID", kind: "image" }],
    examples: [{ command: "bootlace image show web", summary: "the newest one of that name" }],
    load: () => import("../../commands/image-show.ts"),
  },
  {
    name: "image export",
    group: "image",
    summary: "Write an image's disk to a file, for other programs and other computers",
    arguments: [
      { name: "image", summary: "NAME or NAME/ID", kind: "image" },
      { name: "file", summary: "The file to write; none that is there is overwritten", kind: "text" },
    ],
    options: [
      { flags: "--format <format>", summary: "Default qcow2", choices: ["qcow2", "raw"] },
      { flags: "--chain", summary: "The image's own part, and what it stands on as files beside it" },
      { flags: "--compress", summary: "Smaller, and slower to write" },
    ],
    examples: [
      { command: "bootlace image export web web.qcow2", summary: "one file; kernel and initrd beside it where needed" },
      { command: "bootlace image export web disk.raw --format raw", summary: "as it would lie on a disk" },
    ],
    load: () => import("../../commands/image-export.ts"),
  },
  {
    name: "rollout",
    group: "image",
    summary: "Bring an image to a launch template, an Auto Scaling group or an SSM parameter",
    arguments: [
      { name: "image", summary: "NAME (the newest) or NAME/ID", kind: "image" },
      { name: "goal", summary: "lt:NAME, asg:NAME or ssm:NAME", kind: "text" },
    ],
    options: [
      { flags: "--default", summary: "lt: make the new version the default" },
      { flags: "--source <version>", summary: "lt: from this version: a number, default or newest", kind: "text" },
      { flags: "--min-healthy <n>", summary: "asg: per cent that stay in service (AWS: 90)", parse: "integer" },
      { flags: "--checkpoint <list>", summary: "asg: rest at these per cents: 20,50", kind: "text" },
      { flags: "--checkpoint-delay <time>", summary: "asg: how long it rests (AWS: 1h)", parse: "duration" },
      {
        flags: "--max-fail <n>",
        summary: "asg: take it back once more instances were abandoned by their boot (default: 1)",
        parse: "integer",
      },
      { flags: "--no-rollback", summary: "asg: when it fails leave the group as it is then" },
      { flags: "--no-wait", summary: "asg: begin it and do not follow it" },
      { flags: "--region <region>", summary: "Instead of the project's region", kind: "text" },
      { flags: "--plan", summary: "Show what would change and do nothing" },
    ],
    examples: [
      { command: "bootlace rollout web asg:shop-web --plan", summary: "what would be replaced" },
      {
        command: "bootlace rollout web asg:shop-web --min-healthy 90 --checkpoint 20,50 --checkpoint-delay 10m",
        summary: "a few first; followed until it ends, rolled back when it fails",
      },
      { command: "bootlace rollout web lt:shop-web --default", summary: "a new numbered version, the default" },
      {
        command: "bootlace rollout web/20261130T101500-3fa9c1 ssm:/shop/ami",
        summary: "for templates that read a parameter",
      },
    ],
    load: () => import("../../commands/rollout.ts"),
  },
];

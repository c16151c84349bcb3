import type { ArgumentSpec, CommandSpec, OptionSpec } from "../command.ts";
import { param } from "./param-option.ts";

const image: ArgumentSpec = { name: "image", summary: "NAME or NAME/ID", kind: "image" };
const planOnly: OptionSpec = { flags: "--plan", summary: "Show what would go and what stays, and do nothing" };

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
      { flags: "--resume <id>", summary: "Go on with a build that was kept, or whose desk was killed", kind: "text" },
      param,
      { flags: "--on <provider>", summary: "Provider instead of the file's", choices: ["sandbox", "qemu", "ec2"] },
      { flags: "--arch <arch>", summary: "For this architecture alone", choices: ["x86_64", "arm64"] },
      {
        flags: "--parallel <n>",
        summary: "How many at a time (default: 4 at EC2; here one for each four processors)",
        parse: "integer",
      },
      {
        flags: "-o, --output <what>",
        summary: "id: on standard output only what the images are called",
        choices: ["id"],
      },
      { flags: "--manifest <file>", summary: "Write what was built to a file, as JSON", kind: "text" },
    ],
    examples: [
      { command: "bootlace build web", summary: "base images come first where they are missing" },
      { command: "ami=$(bootlace build web -o id)", summary: "for programs: the AMI's id, progress on standard error" },
      { command: "bootlace build web --force --on-error keep", summary: "leave the machine of a failed build" },
      {
        command: "bootlace build web --param shop.workers=8",
        summary: "with another value; the record tells where it came from",
      },
      { command: "bootlace build web --json", summary: "every step and event, one JSON line each" },
    ],
    load: () => import("../../commands/build.ts"),
  },
  {
    name: "image ls",
    group: "image",
    summary: "List the images, newest first",
    arguments: [{ name: "name", summary: "Of this name alone", kind: "image", optional: true }],
    options: [
      { flags: "--all", summary: "Those that are gone too" },
      {
        flags: "--state <state>",
        summary: "In this state alone",
        choices: ["building", "good", "quarantined", "deprecated", "gone"],
      },
    ],
    examples: [
      { command: "bootlace image ls", summary: "with state, age, size and what stands on them" },
      { command: "bootlace image ls web --state quarantined", summary: "whose smoke test failed" },
    ],
    load: () => import("../../commands/image-ls.ts"),
  },
  {
    name: "image show",
    group: "image",
    summary: "Show what an image is made of, and where each parameter came from",
    arguments: [image],
    examples: [{ command: "bootlace image show web", summary: "the newest good one of that name" }],
    load: () => import("../../commands/image-show.ts"),
  },
  {
    name: "image diff",
    group: "image",
    summary: "Tell what differs between two images: services, parameters, packages, units, users, ports, files",
    arguments: [
      { ...image, name: "before" },
      { ...image, name: "after" },
    ],
    examples: [
      { command: "bootlace image diff base web", summary: "what web adds to base" },
      {
        command: "bootlace image diff web/20261101120000-1f2e web --json",
        summary: "between two builds, for a program",
      },
    ],
    load: () => import("../../commands/image-diff.ts"),
  },
  {
    name: "image tag",
    group: "image",
    summary: "Give an image tags of your own, on the AMI too",
    arguments: [image, { name: "tags", summary: "KEY=VALUE; KEY= takes it away", kind: "text", variadic: true }],
    examples: [{ command: "bootlace image tag web release=42", summary: "the newest good one of that name" }],
    load: () => import("../../commands/image-tag.ts"),
  },
  {
    name: "image import",
    group: "image",
    summary: "Take in an AMI that was made by hand",
    arguments: [
      { name: "name", summary: "What it is called in the project", kind: "text" },
      { name: "ami", summary: "Its id", kind: "text" },
    ],
    options: [
      { flags: "--region <region>", summary: "Default: that of the image or the project" },
      { flags: "--login <user>", summary: "Who logs in, where its owner does not tell" },
    ],
    examples: [
      {
        command: "bootlace image import golden ami-0123456789abcdef0 --login admin",
        summary: "for images with from: golden",
      },
    ],
    load: () => import("../../commands/image-import.ts"),
  },
  {
    name: "image deprecate",
    group: "image",
    summary: "Let nothing new be made from an image; what runs goes on",
    arguments: [image],
    options: [
      { flags: "--reason <text>", summary: "For whoever asks" },
      { flags: "--undo", summary: "Make it a good one again" },
    ],
    examples: [
      { command: 'bootlace image deprecate web/20261101120000-1f2e --reason "old OpenSSL"', summary: "at EC2 too" },
    ],
    load: () => import("../../commands/image-deprecate.ts"),
  },
  {
    name: "image rm",
    group: "image",
    summary: "Remove images that nothing stands on, with their snapshots; their records stay as history",
    arguments: [{ name: "images", summary: "NAME/ID", kind: "image", variadic: true }],
    options: [planOnly],
    examples: [
      { command: "bootlace image rm web/20261101120000-1f2e --plan", summary: "what would go, or what stands on it" },
    ],
    load: () => import("../../commands/image-rm.ts"),
  },
  {
    name: "image prune",
    group: "image",
    summary: "Remove old images that nothing stands on",
    arguments: [{ name: "names", summary: "Of these names alone", kind: "image", optional: true, variadic: true }],
    options: [
      {
        flags: "--keep <n>",
        summary: "How many good ones stay; default `keep` of bootlace.yaml, else 3",
        parse: "integer",
      },
      { flags: "--older-than <time>", summary: "Younger ones stay too, such as 30d", parse: "duration" },
      planOnly,
    ],
    examples: [
      { command: "bootlace image prune --plan", summary: "what would go, and what keeps the others" },
      { command: "bootlace image prune web --keep 2 --older-than 30d --yes", summary: "without a question" },
    ],
    load: () => import("../../commands/image-prune.ts"),
  },
  {
    name: "image export",
    group: "image",
    summary: "Write an image's disk to a file, for other programs and other computers",
    arguments: [image, { name: "file", summary: "The file to write; none that is there is overwritten", kind: "text" }],
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
      { flags: "--arch <arch>", summary: "Of a NAME with several architectures", choices: ["x86_64", "arm64"] },
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

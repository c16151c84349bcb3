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
];

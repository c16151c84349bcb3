import type { CommandSpec } from "../command.ts";

export const exportCommands: readonly CommandSpec[] = [
  {
    name: "export packer",
    group: "other",
    summary: "Write a Packer template that puts stage1 into an image and runs its services' init",
    arguments: [
      { name: "image", summary: "Image of bootlace.yaml", kind: "image" },
      { name: "folder", summary: "Where the template and what it uploads are written", kind: "directory" },
    ],
    examples: [
      { command: "bootlace export packer web packer/", summary: "then packer validate packer/web.json, packer build" },
    ],
    load: () => import("../../commands/export-packer.ts"),
  },
  {
    name: "export user-data",
    group: "other",
    summary: "Print cloud-init user data that installs stage1 and boots by it; puts stage1 into the store",
    arguments: [
      {
        name: "machine",
        summary: "Machine or image whose services run; default: the project's",
        kind: "machine",
        optional: true,
      },
    ],
    options: [{ flags: "--store <url>", summary: "Put stage1 there: the folder or bucket behind the project's store" }],
    examples: [
      { command: "bootlace export user-data web > user-data", summary: "for a launch template; under 16 KiB" },
      { command: "bootlace export user-data --store /srv/boot", summary: "a store that machines read over HTTP" },
    ],
    load: () => import("../../commands/export-user-data.ts"),
  },
];

import type { CommandSpec } from "../command.ts";

const kms = { flags: "--kms <arn>", summary: "A key that AWS KMS holds (ECC_NIST_EDWARDS25519), not a file" } as const;

export const keyCommands: readonly CommandSpec[] = [
  {
    name: "key new",
    group: "store",
    summary: "Make the key that signs channels: public half in trust/, private half outside of the project",
    options: [
      kms,
      {
        flags: "--epoch <n>",
        summary: "Epoch that it signs (default 1): above the last where a key was lost",
        parse: "integer",
      },
    ],
    examples: [
      { command: "bootlace key new", summary: "once in a project's life; then commit trust/" },
      {
        command: "bootlace key new --kms arn:aws:kms:eu-west-1:111122223333:key/1234abcd",
        summary: "nobody holds the private half",
      },
    ],
    load: () => import("../../commands/key-new.ts"),
  },
  {
    name: "key rotate",
    group: "store",
    summary: "Bring a new key that machines learn of from the old one; --finish drops the old",
    arguments: [
      {
        name: "channel",
        summary: "With --finish: channels that must carry the new key; default: that of boot.follow",
        kind: "channel",
        optional: true,
        variadic: true,
      },
    ],
    options: [
      kms,
      { flags: "--finish", summary: "End the change: from the next deploy on only the new key signs" },
      { flags: "--force", summary: "With --finish: do not look whether channels carry the new key" },
      { flags: "--store <url>", summary: "With --finish: look there instead of in the project's store" },
    ],
    examples: [
      {
        command: "bootlace key rotate",
        summary: "then deploy: both sign, machines get the new key at their next boot",
      },
      { command: "bootlace key rotate --finish", summary: "then deploy: machines trust the old key no more" },
      { command: "bootlace key rotate --finish stable prod", summary: "both channels must have brought the new key" },
    ],
    load: () => import("../../commands/key-rotate.ts"),
  },
  {
    name: "key ls",
    group: "store",
    summary: "List the project's keys, what they may sign, and whether this desk can sign with them",
    examples: [{ command: "bootlace key ls", summary: "one line a key" }],
    load: () => import("../../commands/key-ls.ts"),
  },
];

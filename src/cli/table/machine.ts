import type { ArgumentSpec, CommandSpec, OptionSpec } from "../command.ts";
import { acceptHostKey, askSudoOnce } from "./host-options.ts";
import { param } from "./param-option.ts";

const machine: ArgumentSpec = { name: "machine", summary: "A machine that is up", kind: "machine" };
const target: ArgumentSpec = { name: "target", summary: "A machine that is up, user@host", kind: "target" };
const on: OptionSpec = {
  flags: "--on <provider>",
  summary: "Provider instead of the file's",
  choices: ["sandbox", "qemu", "ec2"],
};

export const machineCommands: readonly CommandSpec[] = [
  {
    name: "test",
    group: "machine",
    summary: "Try services on a throwaway machine: init, update, reboot, update, ready",
    arguments: [{ name: "services", summary: "Services to try", kind: "service", variadic: true }],
    options: [
      on,
      { flags: "--shell", summary: "A shell on the machine before it goes" },
      { flags: "--watch", summary: "Apply again whenever a file of the project is saved" },
    ],
    examples: [
      { command: "bootlace test web", summary: "web and what it requires, in a sandbox" },
      { command: "bootlace test web --watch", summary: "the quick loop for whoever writes a service" },
    ],
    load: () => import("../../commands/test.ts"),
  },
  {
    name: "up",
    group: "machine",
    summary: "Start a machine, or one from an image, and follow it until it is updated and ready",
    arguments: [{ name: "target", summary: "A machine or an image of bootlace.yaml", kind: "target" }],
    options: [
      { flags: "-s, --service <name...>", summary: "Roots instead of the file's; +NAME adds", kind: "service" },
      on,
      param,
      { flags: "--watch", summary: "Apply again whenever a file of the project is saved" },
    ],
    examples: [
      { command: "bootlace up dev", summary: "launch, deliver, init, update, ready" },
      { command: "bootlace up web -s +metrics", summary: "a machine from the image web, and one more service" },
    ],
    load: () => import("../../commands/up.ts"),
  },
  {
    name: "stop",
    group: "machine",
    summary: "Stop a machine; its disk stays",
    arguments: [machine],
    examples: [{ command: "bootlace stop dev", summary: "TERM, ten seconds of grace, KILL" }],
    load: () => import("../../commands/stop.ts"),
  },
  {
    name: "reboot",
    group: "machine",
    summary: "Reboot a machine and follow it until it is updated and ready",
    arguments: [target],
    options: [acceptHostKey],
    examples: [{ command: "bootlace reboot dev", summary: "proven by the boot's id" }],
    load: () => import("../../commands/reboot.ts"),
  },
  {
    name: "shell",
    group: "machine",
    summary: "Open a shell on a machine, or one with exactly a script's environment, or run one command there",
    arguments: [
      target,
      { name: "step", summary: "SERVICE.PHASE", kind: "step", optional: true },
      {
        name: "command",
        summary: "After --: a command instead of a shell",
        kind: "text",
        optional: true,
        variadic: true,
      },
    ],
    takesCommand: true,
    options: [acceptHostKey],
    examples: [
      { command: "bootlace shell dev", summary: "a login shell of root" },
      { command: "bootlace shell dev web.update", summary: "what web's update script would see" },
      { command: "bootlace shell dev -- df -h /", summary: "one command as root; its exit code is this one's" },
    ],
    load: () => import("../../commands/shell.ts"),
  },
  {
    name: "status",
    group: "machine",
    summary: "List the machines, or show what is on one and how its last run ended",
    arguments: [{ ...target, summary: "A machine that is up, user@host, @group", optional: true }],
    options: [
      { flags: "--parallel <n>", summary: "How many machines of a group at a time (default: 10)", parse: "integer" },
      acceptHostKey,
      askSudoOnce,
    ],
    examples: [
      { command: "bootlace status", summary: "all machines of the project" },
      { command: "bootlace status @game", summary: "the hosts of a group, one a line" },
      { command: "bootlace status dev", summary: "services, last run, what failed" },
    ],
    load: () => import("../../commands/status.ts"),
  },
  {
    name: "logs",
    group: "machine",
    summary: "Show what the scripts of a machine's last run printed",
    arguments: [target, { name: "step", summary: "SERVICE or SERVICE.PHASE", kind: "step", optional: true }],
    options: [
      acceptHostKey,
      { flags: "-f, --follow", summary: "Follow the run to its end" },
      { flags: "--console", summary: "The machine's console instead" },
    ],
    examples: [
      { command: "bootlace logs dev web", summary: "what web printed" },
      { command: "bootlace logs dev -f", summary: "follow the newest run" },
      { command: "bootlace logs dev --console", summary: "what the boot hook said" },
    ],
    load: () => import("../../commands/logs.ts"),
  },
  {
    name: "console",
    group: "machine",
    summary: "Show a machine's console: the same as logs TARGET --console",
    arguments: [machine],
    options: [{ flags: "-f, --follow", summary: "Follow it until Ctrl-C" }],
    examples: [{ command: "bootlace console dev -f", summary: "what the kernel and the boot hook say" }],
    load: () => import("../../commands/console.ts"),
  },
  {
    name: "destroy",
    group: "machine",
    summary: "Run a machine's destroy phases in reverse, then remove it and all that was made for it; a host stays",
    arguments: [target],
    options: [
      { flags: "--force", summary: "Without its destroy phases" },
      {
        flags: "--purge",
        summary: "Take Bootlace itself from a host too: boot hook, /etc/bootlace, /var/lib/bootlace",
      },
      { flags: "--take-over", summary: "A host that belongs to another project too" },
      acceptHostKey,
    ],
    examples: [
      { command: "bootlace destroy dev --yes", summary: "without a question" },
      { command: "bootlace destroy ops@10.0.0.5 --purge", summary: "leave a host as if Bootlace had not been there" },
    ],
    load: () => import("../../commands/destroy.ts"),
  },
  {
    name: "gc",
    group: "machine",
    summary: "Remove what dead builds and tests left behind",
    options: [
      { flags: "--plan", summary: "Show it and do nothing" },
      { flags: "--all", summary: "Kept builds too" },
    ],
    examples: [
      { command: "bootlace gc --plan", summary: "what is left over, kept builds that are due included" },
      { command: "bootlace gc", summary: "remove it" },
    ],
    load: () => import("../../commands/gc.ts"),
  },
];

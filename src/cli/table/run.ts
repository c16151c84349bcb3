import { PHASES } from "../../../stage2/index.ts";
import type { CommandSpec, OptionSpec } from "../command.ts";
import { acceptHostKey, askSudoOnce } from "./host-options.ts";
import { param } from "./param-option.ts";

const services: OptionSpec = { flags: "-s, --service <name...>", summary: "Ask for these services", kind: "service" };
const root: OptionSpec = {
  flags: "--root <dir>",
  summary: "Keep the state under this folder instead of /",
  kind: "directory",
};
const here: OptionSpec = { flags: "--here", summary: "On the very machine that this is typed on" };
const phase: OptionSpec = { flags: "--phase <phase>", summary: "Only this phase", kind: "phase", choices: PHASES };
const rerun: OptionSpec = {
  flags: "--rerun <step...>",
  summary: "Run a step although it is done: web.init",
  kind: "step",
};
const assume: OptionSpec = {
  flags: "--assume-init <service...>",
  summary: "Take an init as done without running it",
  kind: "service",
};

export const runCommands: readonly CommandSpec[] = [
  {
    name: "plan",
    group: "machine",
    summary: "Show what would run, in which order, and why",
    arguments: [{ name: "target", summary: "A machine, user@host, i-…, an image", kind: "target", optional: true }],
    options: [
      here,
      services,
      phase,
      rerun,
      assume,
      root,
      acceptHostKey,
      { flags: "--image", summary: "TARGET is an image, whatever machine has its name" },
      param,
    ],
    examples: [
      { command: "bootlace plan", summary: "on an empty machine" },
      { command: "bootlace plan ops@10.0.0.5", summary: "on a host, which is looked at and not changed" },
      {
        command: "bootlace plan web",
        summary: "what would be built for the image web, and which part of its key changed",
      },
      { command: "bootlace plan --here --json", summary: "on this machine, for a program" },
      { command: "bootlace plan -s metrics", summary: "when metrics is asked for" },
    ],
    load: () => import("../../commands/plan.ts"),
  },
  {
    name: "why",
    group: "machine",
    summary: "Explain why a service is there and what would run of it",
    arguments: [
      { name: "service", summary: "Service to explain", kind: "service" },
      { name: "target", summary: "A machine, user@host, i-…", kind: "target", optional: true },
    ],
    options: [here, services, root, acceptHostKey],
    examples: [
      { command: "bootlace why app-user --here", summary: "who brings it along, what was done of it here" },
      { command: "bootlace why app-user ops@10.0.0.5", summary: "the same, of a host" },
    ],
    load: () => import("../../commands/why.ts"),
  },
  {
    name: "apply",
    group: "machine",
    summary: "Run the project's services on machines that exist: deliver what they lack, then what a boot would do",
    arguments: [
      {
        name: "targets",
        summary: "Machines of the project, user@host, @group, i-…, asg:NAME, tag:KEY=VALUE",
        kind: "target",
        optional: true,
        variadic: true,
      },
    ],
    options: [
      here,
      services,
      phase,
      rerun,
      assume,
      { flags: "--canary <n>", summary: "So many first; the others only when all of these end well", parse: "integer" },
      { flags: "--parallel <n>", summary: "How many machines at a time (default: 10)", parse: "integer" },
      { flags: "--max-fail <n>", summary: "Begin no more machines once more have failed: a number or 20%" },
      { flags: "--skip-unreachable", summary: "Machines that cannot be reached are reported, and no failure" },
      { flags: "--retry-failed", summary: "Only those that did not end well last time" },
      { flags: "--no-boot-hook", summary: "Install no boot hook: the machine does nothing by itself" },
      { flags: "--take-over", summary: "Take a machine that belongs to another project" },
      acceptHostKey,
      askSudoOnce,
      {
        flags: "--jobs <n>",
        summary: "How many steps run at once (default: twice the cores, at least 4)",
        parse: "integer",
      },
      { flags: "--plan", summary: "Show what would run and do nothing" },
      { flags: "--wait", summary: "Wait for a run that holds the lock instead of failing" },
      { flags: "--strict", summary: "Exit 8 when a service failed that may fail" },
      root,
    ],
    examples: [
      { command: "bootlace apply --here --plan", summary: "what it would do on this machine" },
      { command: "bootlace apply --here", summary: "what a boot would do: inits of what is new, then updates" },
      { command: "bootlace apply --here -s metrics --root /tmp/try", summary: "one service, state kept elsewhere" },
      { command: "bootlace apply --here --rerun web.init", summary: "run a finished init again" },
      { command: "bootlace apply ops@10.0.0.5 --plan", summary: "look at a host; nothing is changed there" },
      { command: "bootlace apply ops@10.0.0.5 --yes", summary: "the first contact with a host" },
      { command: "bootlace apply @game --canary 1 --max-fail 10%", summary: "a group: one first, then ten at a time" },
      { command: "bootlace apply @game --retry-failed", summary: "those of the group that did not end well" },
    ],
    load: () => import("../../commands/apply.ts"),
  },
  {
    name: "do",
    group: "machine",
    summary: "Run a service's action on machines, or list the actions",
    arguments: [
      { name: "target", summary: "A machine, user@host, @group, i-…, asg:NAME, tag:KEY=VALUE", kind: "target" },
      { name: "action", summary: "SERVICE.ACTION; without it the actions are listed", kind: "step", optional: true },
      { name: "values", summary: "Variables of the script: key=value", kind: "text", optional: true, variadic: true },
    ],
    options: [
      { flags: "--parallel <n>", summary: "How many machines at a time (default: 10)", parse: "integer" },
      acceptHostKey,
      askSudoOnce,
    ],
    examples: [
      { command: "bootlace do dev", summary: "which actions there are" },
      { command: "bootlace do @game web.reload", summary: "on every host of a group" },
      { command: "bootlace do dev db.dump to=/srv/dump", summary: "the script sees $to" },
    ],
    load: () => import("../../commands/do.ts"),
  },
  {
    name: "journal show",
    group: "machine",
    summary: "Print the records of this machine's journal",
    options: [here, root],
    examples: [{ command: "bootlace journal show --here", summary: "one record a line, as JSON" }],
    load: () => import("../../commands/journal-show.ts"),
  },
  {
    name: "journal repair",
    group: "machine",
    summary: "Show what a repair of a damaged journal would keep, and which inits would run again; --yes does it",
    options: [here, root],
    examples: [
      { command: "bootlace journal repair --here", summary: "look first: nothing is changed" },
      { command: "bootlace journal repair --here --yes", summary: "do it; the damaged file is kept" },
    ],
    load: () => import("../../commands/journal-repair.ts"),
  },
];

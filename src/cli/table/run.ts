import { PHASES } from "../../../stage2/index.ts";
import type { CommandSpec, OptionSpec } from "../command.ts";

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
    options: [here, services, phase, rerun, assume, root],
    examples: [
      { command: "bootlace plan", summary: "on an empty machine" },
      { command: "bootlace plan --here --json", summary: "on this machine, for a program" },
      { command: "bootlace plan -s metrics", summary: "when metrics is asked for" },
    ],
    load: () => import("../../commands/plan.ts"),
  },
  {
    name: "why",
    group: "machine",
    summary: "Explain why a service is there and what would run of it",
    arguments: [{ name: "service", summary: "Service to explain", kind: "service" }],
    options: [here, services, root],
    examples: [{ command: "bootlace why app-user --here", summary: "who brings it along, what was done of it here" }],
    load: () => import("../../commands/why.ts"),
  },
  {
    name: "apply",
    group: "machine",
    summary: "Run the project's services on a machine that exists",
    options: [
      here,
      services,
      phase,
      rerun,
      assume,
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
    ],
    load: () => import("../../commands/apply.ts"),
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

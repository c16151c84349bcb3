import type { CommandSpec } from "../command.ts";

export const projectCommands: readonly CommandSpec[] = [
  {
    name: "new",
    group: "project",
    summary: "Write the starter files of a project",
    arguments: [{ name: "dir", summary: "Folder to make", kind: "directory" }],
    examples: [{ command: "bootlace new shop", summary: "a project in ./shop with one service" }],
    load: () => import("../../commands/new.ts"),
  },
  {
    name: "new service",
    group: "project",
    summary: "Add a service with starter files to the project",
    arguments: [{ name: "name", summary: "Name of the service", kind: "text" }],
    options: [{ flags: "--extends <service>", summary: "Start from another service", kind: "service" }],
    examples: [
      { command: "bootlace new service web", summary: "services/web with service.yaml and a script" },
      { command: "bootlace new service shop --extends bootlace/webapp", summary: "start from a stock service" },
    ],
    load: () => import("../../commands/new-service.ts"),
  },
  {
    name: "check",
    group: "project",
    summary: "Check the whole project and report every fault at once",
    options: [
      {
        flags: "--effective <service>",
        summary: "Show a service with all defaults and where each value comes from",
        kind: "service",
      },
      { flags: "--no-cache", summary: "Read everything again, whatever the cache says" },
    ],
    examples: [
      { command: "bootlace check", summary: "exit 0 when there is nothing to fix, else 2" },
      { command: "bootlace check --effective shop", summary: "what `extends` and bootlace.yaml made of it" },
      { command: "bootlace -C examples/shop check --json", summary: "faults as JSON" },
    ],
    load: () => import("../../commands/check.ts"),
  },
  {
    name: "graph",
    group: "project",
    summary: "Show the graph of services",
    arguments: [
      { name: "services", summary: "Roots (default: the project's)", kind: "service", optional: true, variadic: true },
    ],
    options: [
      { flags: "--all", summary: "Every service, not only the closure of the roots" },
      { flags: "--mermaid", summary: "As a Mermaid flowchart, for Markdown pages" },
      { flags: "--svg", summary: "As an SVG drawing" },
    ],
    examples: [
      { command: "bootlace graph", summary: "a tree in the terminal" },
      { command: "bootlace graph shop --svg > shop.svg", summary: "a drawing of what shop needs" },
    ],
    load: () => import("../../commands/graph.ts"),
  },
  {
    name: "lock",
    group: "project",
    summary: "Fetch artifacts that have no digest yet, and write bootlace.lock",
    arguments: [{ name: "services", summary: "Only what these name", kind: "service", optional: true, variadic: true }],
    options: [
      { flags: "--update", summary: "Ask again for what is locked too, and tell what changed" },
      { flags: "--plan", summary: "Say what would be fetched and dropped, and do nothing" },
    ],
    examples: [
      { command: "bootlace lock", summary: "after an artifact from elsewhere was added; commit bootlace.lock" },
      { command: "bootlace lock shop --update", summary: "take what the sources of shop give today" },
    ],
    load: () => import("../../commands/lock.ts"),
  },
];

import type { CommandSpec } from "./command.ts";
import { certCommands } from "./table/cert.ts";
import { exportCommands } from "./table/export.ts";
import { imageCommands } from "./table/image.ts";
import { keyCommands } from "./table/key.ts";
import { machineCommands } from "./table/machine.ts";
import { otherCommands } from "./table/other.ts";
import { projectCommands } from "./table/project.ts";
import { runCommands } from "./table/run.ts";
import { storeCommands } from "./table/store.ts";

/**
 * Every command, in the order in which help and docs/cli.md show it. Rows stand by group in `table/`; parser, help,
 * completions and docs are readers of this one table.
 */
export const COMMANDS: readonly CommandSpec[] = [
  ...projectCommands,
  ...runCommands,
  ...machineCommands,
  ...imageCommands,
  ...storeCommands,
  ...keyCommands,
  ...certCommands,
  ...exportCommands,
  ...otherCommands,
];

import type { CommandSpec } from "../command.ts";

export const machineCommands: readonly CommandSpec[] = [];

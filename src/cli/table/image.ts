import type { CommandSpec } from "../command.ts";

export const imageCommands: readonly CommandSpec[] = [];

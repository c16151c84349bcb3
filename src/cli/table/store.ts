import type { CommandSpec } from "../command.ts";

export const storeCommands: readonly CommandSpec[] = [];

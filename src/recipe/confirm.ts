import { createInterface } from "node:readline/promises";
import type { CommandContext } from "../cli/command.ts";

/** Asks the person at the terminal; without one the answer is no. */
export async function confirm(question: string, { stdout, json, signal }: CommandContext): Promise<boolean> {
  if (json || process.stdin.isTTY !== true || stdout.isTTY !== true) return false;
  const lines = createInterface({ input: process.stdin, output: process.stdout });
  try {
    return /^y(es)?$/i.test((await lines.question(`${question} [y/N] `, { signal })).trim());
  } finally {
    lines.close();
  }
}

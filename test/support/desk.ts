import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { Event } from "../../stage2/index.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));
const command = `${root}bin/bootlace.js`;

export interface DeskRun {
  readonly child: ChildProcess;
  /** Resolves at the first line of standard output that has this in it; rejects when the output ends without. */
  line(text: string): Promise<string>;
  readonly ended: Promise<DeskEnd>;
}

export interface DeskEnd {
  readonly exit: number | null;
  readonly out: string;
  readonly err: string;
}

/** Starts the real command, built, as somebody at a desk would. */
export function startDesk(argv: readonly string[], env: NodeJS.ProcessEnv = {}): DeskRun {
  if (!existsSync(`${root}dist/cli.mjs`)) execFileSync(process.execPath, [`${root}scripts/build.mjs`]);
  const child = spawn(process.execPath, [command, ...argv], {
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, ...env },
  });
  const lines: string[] = [];
  const waiting = new Set<() => void>();
  let closed = false;
  const tell = (): void => {
    for (const look of waiting) look();
  };
  createInterface({ input: child.stdout })
    .on("line", (line) => {
      lines.push(line);
      tell();
    })
    .on("close", () => {
      closed = true;
      tell();
    });
  let err = "";
  child.stderr.on("data", (chunk: Buffer) => {
    err += chunk.toString();
  });
  const ended = new Promise<DeskEnd>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (exit) => resolve({ exit, out: lines.map((line) => `${line}\n`).join(""), err }));
  });
  const line = (text: string): Promise<string> =>
    new Promise((resolve, reject) => {
      const look = (): void => {
        const found = lines.find((one) => one.includes(text));
        if (found === undefined && !closed) return;
        waiting.delete(look);
        if (found === undefined) reject(new Error(`no line with "${text}" came; stderr: ${err}`));
        else resolve(found);
      };
      waiting.add(look);
      look();
    });
  return { child, line, ended };
}

/** Runs the real command to its end. */
export const desk = (argv: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<DeskEnd> =>
  startDesk(argv, env).ended;

/** The events that a command with `--json` printed. */
export const eventsOf = (out: string): readonly Event[] =>
  out
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Event);

import { appendFile, open, stat } from "node:fs/promises";

/** What a guest's console tells the desk of its present boot. */
export interface ConsoleReport {
  /** The kernel's boot_id. */
  readonly boot: string | undefined;
  /** Public key lines between cloud-init's markers, of the last whole block. */
  readonly hostKeys: readonly string[];
  /** Whether the guest said that it can be reached. */
  readonly ready: boolean;
}

const BOOT = /bootlace\[guest\]: boot=([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})/g;
const READY = /bootlace\[guest\]: ready/g;
/** As cloud-init's keys_to_console prints them, and stage1's boot hook. */
const KEYS = /-----BEGIN SSH HOST KEY KEYS-----\r?\n([\s\S]*?)-----END SSH HOST KEY KEYS-----/g;
const KEY_LINE = /^(?:ssh|ecdsa)-[a-z0-9-]+ [A-Za-z0-9+/]+=*/;

/** Reads what a guest printed since a start; the last word counts, since a guest may boot again by itself. */
export function readConsole(text: string): ConsoleReport {
  const boots = [...text.matchAll(BOOT)];
  const blocks = [...text.matchAll(KEYS)];
  const booted = boots.at(-1);
  const ready = [...text.matchAll(READY)].at(-1);
  return {
    boot: booted?.[1],
    hostKeys: (blocks.at(-1)?.[1] ?? "")
      .split(/\r?\n/)
      .map((line) => KEY_LINE.exec(line.trim())?.[0])
      .filter((line) => line !== undefined),
    ready: ready !== undefined && ready.index > (booted?.index ?? 0),
  };
}

/** A console's output from a byte on; empty where there is none yet. */
export async function consoleSince(file: string, from: number): Promise<string> {
  const handle = await open(file).catch(() => undefined);
  if (!handle) return "";
  try {
    const { size } = await handle.stat();
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(Math.max(0, size - from)), 0, undefined, from);
    return buffer.toString("utf8", 0, bytesRead);
  } finally {
    await handle.close();
  }
}

/** Writes the line between two starts, and answers where the new one's output begins, in bytes. */
export async function beginConsole(file: string, line: string): Promise<number> {
  const size = (await stat(file).catch(() => undefined))?.size ?? 0;
  await appendFile(file, `${size > 0 ? "\n" : ""}--- ${line}\n`, { mode: 0o600 });
  return (await stat(file)).size;
}

/** The end of a console as an error shows it: last lines, without what only moves a cursor. */
export function consoleEnd(text: string, lines = 15): string {
  return text
    .replace(/\x1b(?:\[[0-9;?]*[A-Za-z]|[()][A-Z0-9]|[=>c])/g, "")
    .split(/\r*\n/)
    .map((line) => line.trimEnd())
    .filter(Boolean)
    .slice(-lines)
    .map((line) => `  ${line.slice(0, 300)}`)
    .join("\n");
}

import { appendFile, chmod, mkdir, readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { keyType } from "./ssh-key.ts";

/** Host keys that people of this project accepted. */
export const projectKnownHosts = (dir: string): string => join(dir, ".bootlace", "known_hosts");

/** Adds a line to the project's known_hosts, mode 0600; nothing to do where the line is there. */
export async function addKnownHost(dir: string, name: string, blob: Buffer): Promise<void> {
  const file = projectKnownHosts(dir);
  const line = `${name} ${keyType(blob)} ${blob.toString("base64")}\n`;
  const before = await readFile(file, "utf8").catch(() => "");
  if (before.includes(line)) return;
  await mkdir(dirname(file), { recursive: true });
  // One write in append mode: sessions that are opened at the same time lose no line of each other.
  await appendFile(file, before === "" || before.endsWith("\n") ? line : `\n${line}`, { mode: 0o600 });
  await chmod(file, 0o600);
}

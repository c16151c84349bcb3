import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { FaultList } from "../project/fault-list.ts";
import type { Stamps } from "../project/stamps.ts";
import { LOCK_FILE, type Lock, parseLock } from "./lock-file.ts";

/**
 * The lock of a project's folder; empty where there is no file.
 *
 * @returns undefined when the file has faults; they are reported, and what it lacks is not to be told beside.
 */
export function readLock(
  dir: string,
  { stamps, faults }: { readonly stamps: Stamps; readonly faults: FaultList },
): Lock | undefined {
  const file = join(dir, LOCK_FILE);
  if (!stamps.add(file)) return new Map();
  const text = readFileSync(file, "utf8");
  const read = parseLock(text);
  for (const { message, line } of read.faults) {
    const source = text.split("\n")[line - 1] ?? "";
    const place = { file: LOCK_FILE, line, column: 1, length: Math.max(1, source.length), source };
    faults.error("E_LOCK_FILE", message, place);
  }
  return read.faults.length > 0 ? undefined : read.lock;
}

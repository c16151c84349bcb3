import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";

/** Reads what {@link writeState} wrote; undefined when it is not there or damaged: then everything is done anew. */
export function readState<T>(file: string): T | undefined {
  if (!existsSync(file)) return undefined;
  try {
    return JSON.parse(readFileSync(file, "utf8"));
  } catch {
    return undefined;
  }
}

/** Written beside and renamed, so that it is the old or the new, whenever the machine goes down. */
export function writeState(file: string, value: unknown): void {
  placeFile(file, `${JSON.stringify(value)}\n`, 0o600);
}

/** Puts a file in place as a whole. Answers whether its text was another before. */
export function placeFile(file: string, text: string, mode: number): boolean {
  if (existsSync(file) && readFileSync(file, "utf8") === text) return false;
  rmSync(`${file}.new`, { force: true });
  writeFileSync(`${file}.new`, text, { mode, flush: true });
  renameSync(`${file}.new`, file);
  return true;
}

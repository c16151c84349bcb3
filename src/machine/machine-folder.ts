import { randomBytes } from "node:crypto";
import { chmod, link, mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";

/** `<project>/.bootlace/machines/<name>`: what the desk knows of one machine. */
export function machineFolder(dir: string, name: string): string {
  return join(dir, ".bootlace", "machines", name);
}

/**
 * Makes the folder of a machine, or of anything else that the desk keeps, for its user alone: a machine's disk and console
 * may show what is private. One that is there with another mode is closed too.
 */
async function makeOwnFolder(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  if (basename(dirname(folder)) === "machines") await chmod(folder, 0o700);
}

/** What a machine is, fixed at launch; every provider's has `provider`. */
export function specFile(dir: string, name: string): string {
  return join(machineFolder(dir, name), "spec.json");
}

/** Names of the machines that have a folder, sorted. */
export async function machineNames(dir: string): Promise<readonly string[]> {
  try {
    return (await readdir(join(dir, ".bootlace", "machines"))).sort();
  } catch {
    return [];
  }
}

/** Reads a JSON file; undefined where there is none. */
export async function readJson<T>(file: string): Promise<T | undefined> {
  let text: string;
  try {
    text = await readFile(file, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
  return JSON.parse(text) as T;
}

/**
 * Writes a JSON file that must not be there yet: of two processes that do so at the same time one wins. Mode 0600.
 *
 * @returns false when it is there already.
 */
export async function claimJson(file: string, value: unknown): Promise<boolean> {
  await makeOwnFolder(dirname(file));
  const beside = `${file}.${process.pid}.${randomBytes(4).toString("hex")}`;
  await writeFile(beside, `${JSON.stringify(value, null, 2)}\n`, { mode: 0o600 });
  try {
    await link(beside, file);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  } finally {
    await rm(beside, { force: true });
  }
}

/** Writes a JSON file beside and renames it, so that a reader sees the old or the new one. Mode 0600. */
export async function writeJson(file: string, value: unknown): Promise<void> {
  await makeOwnFolder(dirname(file));
  await writeFile(`${file}.new`, `${JSON.stringify(value, null, 2)}\n`, { mode: 0o600 });
  await rename(`${file}.new`, file);
}

/** Removes a folder and everything in it; nothing to do where it is gone. */
export async function removeFolder(folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true });
}

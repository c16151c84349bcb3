import { chmod, mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { BootlaceError } from "../../stage2/index.ts";

/**
 * Writes files that are not there yet.
 *
 * @param files Path relative to `dir` → text; scripts become executable.
 * @returns The paths written.
 * @throws {BootlaceError} `E_EXISTS` at the first one that is there; it is left alone.
 */
export async function writeNewFiles(dir: string, files: Readonly<Record<string, string>>): Promise<string[]> {
  for (const [path, text] of Object.entries(files)) {
    const file = join(dir, path);
    await mkdir(dirname(file), { recursive: true });
    try {
      await writeFile(file, text, { flag: "wx" });
    } catch (error) {
      if (error instanceof Error && "code" in error && error.code === "EEXIST") {
        if (path === ".gitignore") continue;
        throw new BootlaceError("E_EXISTS", `${file} is there already`);
      }
      throw error;
    }
    if (text.startsWith("#!")) await chmod(file, 0o755);
  }
  return Object.keys(files);
}

import { createHash } from "node:crypto";
import { existsSync, mkdirSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

/** Bundles the sandbox's supervisor from the present sources, so that tests need no build before them. */
export async function supervisorCommand(): Promise<readonly string[]> {
  const { outputFiles } = await build({
    stdin: {
      contents: `import { runSupervisor } from "./supervisor-main.ts";
        runSupervisor(process.argv[2]).then((exit) => process.exit(exit));`,
      resolveDir: fileURLToPath(new URL("../../src/machine/sandbox", import.meta.url)),
    },
    write: false,
    bundle: true,
    platform: "node",
    format: "cjs",
    target: "node20",
    external: ["*.node", "cpu-features"],
    logLevel: "error",
  });
  return [process.execPath, keptProgram("supervisor", outputFiles[0]?.contents ?? new Uint8Array())];
}

/** Writes a bundled program of the tests into the checkout's cache; answers its file. */
export function keptProgram(name: string, bytes: Uint8Array): string {
  const folder = fileURLToPath(new URL("../../node_modules/.cache/bootlace", import.meta.url));
  // Named by its content: files that are tested at the same time share it.
  const file = join(folder, `${name}-${createHash("sha256").update(bytes).digest("hex").slice(0, 16)}.cjs`);
  if (!existsSync(file)) {
    mkdirSync(folder, { recursive: true });
    writeFileSync(`${file}.${process.pid}`, bytes);
    renameSync(`${file}.${process.pid}`, file);
  }
  return file;
}

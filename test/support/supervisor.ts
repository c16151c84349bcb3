import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { afterAll } from "vitest";
import { removeFolder } from "../../src/machine/machine-folder.ts";

/** Bundles the sandbox's supervisor from the present sources, so that tests need no build before them. */
export async function supervisorCommand(): Promise<readonly string[]> {
  const folder = mkdtempSync(join(tmpdir(), "bootlace-supervisor-"));
  const outfile = join(folder, "supervisor.cjs");
  await build({
    stdin: {
      contents: `import { runSupervisor } from "./supervisor-main.ts";
        runSupervisor(process.argv[2]).then((exit) => process.exit(exit));`,
      resolveDir: fileURLToPath(new URL("../../src/machine/sandbox", import.meta.url)),
    },
    outfile,
    bundle: true,
    platform: "node",
    format: "cjs",
    target: "node20",
    external: ["*.node", "cpu-features"],
    logLevel: "error",
  });
  afterAll(() => removeFolder(folder));
  return [process.execPath, outfile];
}

// Bundles the desk (dist/cli.mjs and its lazily loaded commands) and the runner (dist/stage2.mjs).
import { chmod, rm } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const root = fileURLToPath(new URL("..", import.meta.url));
const shared = {
  absWorkingDir: root,
  bundle: true,
  platform: "node",
  format: "esm",
  logLevel: "warning",
  legalComments: "none",
};

await rm(new URL("../dist", import.meta.url), { recursive: true, force: true });
await build({
  ...shared,
  target: "node20",
  entryPoints: { cli: "src/cli/main.ts" },
  outdir: "dist",
  outExtension: { ".js": ".mjs" },
  splitting: true,
  packages: "external",
});
await build({ ...shared, target: "node20", entryPoints: ["stage2/main.ts"], outfile: "dist/stage2.mjs", minify: true });
await chmod(new URL("../bin/bootlace.js", import.meta.url), 0o755);

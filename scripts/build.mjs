// Bundles the desk (dist/cli.mjs and its lazily loaded commands) and the runner (dist/stage2.mjs).
import { chmod, readFile, rm } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const root = fileURLToPath(new URL("..", import.meta.url));
const readJson = async (path) => JSON.parse(await readFile(new URL(path, import.meta.url), "utf8"));
const runner = { ...(await readJson("../src/bundle/runner-build.json")), absWorkingDir: root };
const { dependencies } = await readJson("../package.json");
const inlined = ["commander", "yaml", "zod"];
// commander is CommonJS and calls require() for parts of Node, which an ES module does not have by itself.
const requireShim =
  'import { createRequire as __createRequire } from "node:module"; const require = __createRequire(import.meta.url);';

await rm(new URL("../dist", import.meta.url), { recursive: true, force: true });
await build({
  ...runner,
  minify: false,
  entryPoints: { cli: "src/cli/main.ts" },
  outdir: "dist",
  outExtension: { ".js": ".mjs" },
  splitting: true,
  // One file starts faster than a package's many; what is large or seldom needed stays outside and is loaded when called for.
  external: Object.keys(dependencies)
    .filter((name) => !inlined.includes(name))
    .flatMap((name) => [name, `${name}/*`]),
  mainFields: ["module", "main"],
  banner: { js: requireShim },
});
await build({ ...runner, outfile: "dist/stage2.mjs" });
await chmod(new URL("../bin/bootlace.js", import.meta.url), 0o755);

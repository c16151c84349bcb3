// Bundles the desk (dist/cli.mjs and its lazily loaded commands) and what runs on machines: the runner (dist/stage2.mjs), the
// search of verify clean (dist/search.mjs).
import { chmod, mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
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

const desk = await build({
  ...runner,
  write: false,
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
const machine = await build({ ...runner, write: false, outfile: "dist/stage2.mjs" });
const search = await build({
  ...runner,
  write: false,
  entryPoints: ["src/seal/inside/main.ts"],
  outfile: "dist/search.mjs",
});

// Each file is replaced at once and what is stale goes last: a command that runs meanwhile never finds nothing.
const dist = join(root, "dist");
await mkdir(dist, { recursive: true });
const files = [desk, machine, search].flatMap(({ outputFiles }) => outputFiles);
for (const { path, contents } of files) {
  await writeFile(`${path}.new`, contents);
  await rename(`${path}.new`, path);
}
const fresh = new Set(files.map(({ path }) => path));
for (const name of await readdir(dist))
  if (!fresh.has(join(dist, name))) await rm(join(dist, name), { recursive: true });
await chmod(new URL("../bin/bootlace.js", import.meta.url), 0o755);

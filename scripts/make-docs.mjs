// Writes what is made from the code: docs/errors.md, docs/cli.md, schema/*.schema.json.
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { fileURLToPath, pathToFileURL } from "node:url";
import { build } from "esbuild";

const root = new URL("..", import.meta.url);
await mkdir(new URL("node_modules/.cache/", root), { recursive: true });
const folder = await mkdtemp(fileURLToPath(new URL("node_modules/.cache/docs-", root)));
try {
  await build({
    absWorkingDir: fileURLToPath(root),
    entryPoints: { schemas: "src/manifest/json-schemas.ts", pages: "src/cli/docs-pages.ts" },
    outdir: folder,
    outExtension: { ".js": ".mjs" },
    bundle: true,
    splitting: true,
    packages: "external",
    platform: "node",
    format: "esm",
    logLevel: "warning",
  });
  const { jsonSchemas } = await import(pathToFileURL(`${folder}/schemas.mjs`).href);
  const { cliPage, errorsPage } = await import(pathToFileURL(`${folder}/pages.mjs`).href);
  for (const name of ["schema/", "docs/"]) await mkdir(new URL(name, root), { recursive: true });
  for (const [name, schema] of Object.entries(jsonSchemas())) {
    await writeFile(new URL(`schema/${name}.schema.json`, root), `${JSON.stringify(schema, null, 2)}\n`);
  }
  await writeFile(new URL("docs/errors.md", root), errorsPage());
  await writeFile(new URL("docs/cli.md", root), cliPage());
} finally {
  await rm(folder, { recursive: true });
}

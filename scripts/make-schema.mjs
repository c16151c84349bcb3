// Writes schema/*.schema.json from the schemas in src/manifest, the one source of both.
import { mkdir, writeFile } from "node:fs/promises";
import { build } from "esbuild";

const root = new URL("..", import.meta.url);
const { outputFiles } = await build({
  entryPoints: [new URL("src/manifest/json-schemas.ts", root).pathname],
  bundle: true,
  platform: "node",
  format: "esm",
  write: false,
  logLevel: "warning",
});
const code = `data:text/javascript;base64,${Buffer.from(outputFiles[0].contents).toString("base64")}`;
const { jsonSchemas } = await import(code);
await mkdir(new URL("schema/", root), { recursive: true });
for (const [name, schema] of Object.entries(jsonSchemas())) {
  await writeFile(new URL(`schema/${name}.schema.json`, root), `${JSON.stringify(schema, null, 2)}\n`);
}

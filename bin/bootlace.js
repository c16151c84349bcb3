#!/usr/bin/env node
import { existsSync } from "node:fs";

const built = new URL("../dist/cli.mjs", import.meta.url);
if (existsSync(built)) {
  await import(built.href);
} else {
  process.stderr.write("bootlace: this checkout is not built yet. Run: npm ci && npm run build\n");
  process.exitCode = 2;
}

import { existsSync } from "node:fs";

let root: URL | undefined;

/**
 * The folder of the installed package, which holds `services/`, `stage1/`, `schema/` and `dist/`, as a file URL with a
 * trailing slash. The same whether this runs bundled (`dist/*.mjs`) or from `src/`.
 */
export function packageRoot(): URL {
  if (root) return root;
  for (let at = new URL("..", import.meta.url); ; at = new URL("..", at)) {
    if (existsSync(new URL("package.json", at))) {
      root = at;
      return at;
    }
    if (at.pathname === "/") throw new Error("package.json of Bootlace was not found above its own code");
  }
}

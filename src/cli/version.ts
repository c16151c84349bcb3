import { readFileSync } from "node:fs";
import { packageRoot } from "./package-root.ts";

/** Version of this Bootlace, from its package.json. */
export const VERSION: string = readVersion();

function readVersion(): string {
  const text = readFileSync(new URL("package.json", packageRoot()), "utf8");
  const value: unknown = JSON.parse(text);
  if (value !== null && typeof value === "object" && "version" in value && typeof value.version === "string") {
    return value.version;
  }
  throw new Error("package.json has no version");
}

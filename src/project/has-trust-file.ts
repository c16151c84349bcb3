import { readdirSync } from "node:fs";
import { join } from "node:path";
import type { Stamps } from "./stamps.ts";

/** Whether `trust/` of the project holds a public key, which machines need to follow a channel. */
export function hasTrustFile(dir: string, stamps: Stamps): boolean {
  const folder = join(dir, "trust");
  return stamps.add(folder) !== undefined && readdirSync(folder).some((name) => name.endsWith(".pem"));
}

import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** Keys and values of the machine's boot.conf, as docs/contracts.md has them; none where there is no such file. */
export function readBootConf(root: string): ReadonlyMap<string, string> {
  const file = join(root, "etc/bootlace/boot.conf");
  const lines = existsSync(file) ? readFileSync(file, "utf8").matchAll(/^([a-z-]+)=(.*)$/gm) : [];
  return new Map([...lines].map(([, key = "", value = ""]) => [key, value]));
}

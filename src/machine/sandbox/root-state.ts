import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { runLocal } from "../run-local.ts";

/** Where package managers keep what is installed, and the release. */
const FILES = ["etc/os-release", "usr/lib/os-release", "var/lib/dpkg/status", "lib/apk/db/installed"];
const RPM_FOLDERS = ["var/lib/rpm", "usr/lib/sysimage/rpm"];

/** SHA-256 (hex) of what is installed on a root. A layer fits only over the state that it was made on. */
export async function rootState(root: string): Promise<string> {
  const hash = createHash("sha256");
  for (const file of FILES) {
    const bytes = await readFile(join(root, file)).catch(() => undefined);
    if (bytes) hash.update(`${file}\0${bytes.length}\0`).update(bytes);
  }
  for (const folder of RPM_FOLDERS) {
    // The database's file changes when it is merely opened; the list of packages does not.
    const names = await runLocal(["rpm", "--root", root, "--dbpath", `/${folder}`, "-qa"]);
    if (names.exit === 0 && names.stdout) hash.update(names.stdout.split("\n").sort().join("\n"));
  }
  return hash.digest("hex");
}

import { readFile } from "node:fs/promises";
import { printedHostKeys } from "../console.ts";
import type { NamedValue } from "../machine.ts";
import { readJson } from "../machine-folder.ts";
import type { QemuFiles, QemuSpec } from "./qemu-spec.ts";

/**
 * Values that are one machine's alone. Its address is not among them: QEMU gives all machines the same, and it stands in
 * many files by right.
 */
export async function identityOf(spec: QemuSpec, files: QemuFiles): Promise<readonly NamedValue[]> {
  const blob = (line: string) => line.trim().split(" ")[1] ?? line;
  const known = await readJson<{ readonly machineId: string }>(files.known);
  const user = await readFile(`${files.userKey}.pub`, "utf8");
  const planted = await readFile(`${files.hostKey}.pub`, "utf8").catch(() => "");
  const printed = await printedHostKeys(files.console);
  const hostKeys = new Set([...printed, planted].filter(Boolean).map(blob));
  return [
    { name: "the build machine's id", value: spec.id },
    ...(known ? [{ name: "the build machine's machine-id", value: known.machineId }] : []),
    { name: "the build's SSH key", value: blob(user) },
    ...[...hostKeys].map((value) => ({ name: "the build machine's host key", value })),
    { name: "the build machine's MAC address", value: spec.mac },
    ...(spec.purpose === "build" ? [{ name: "the build machine's host name", value: spec.hostname }] : []),
  ];
}

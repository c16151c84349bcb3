import { createHash, randomBytes } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { arch, hostname, networkInterfaces } from "node:os";
import { factsFrom, keyValues } from "../plan/facts-from.ts";
import type { Facts, Purpose } from "../types/facts.ts";
import { writeDurably } from "./write-durably.ts";

const read = (path: string): string | undefined => {
  try {
    return readFileSync(path, "utf8").trim() || undefined;
  } catch {
    return undefined;
  }
};

/** Reads a file of `key=value` lines; one that is not there has none. */
export function readKeyValues(path: string): Map<string, string> {
  return keyValues(read(path) ?? "");
}

/** Finds out what machine this is, from its own files. */
export function readFacts(seedFile: string, purpose?: Purpose): Facts {
  return factsFrom(
    {
      seed: read(seedFile),
      osRelease: read(existsSync("/etc/os-release") ? "/etc/os-release" : "/usr/lib/os-release"),
      vendor: read("/sys/class/dmi/id/sys_vendor"),
      assetTag: read("/sys/class/dmi/id/board_asset_tag"),
      productUuid: read("/sys/class/dmi/id/product_uuid"),
      machineId: read("/etc/machine-id"),
      bootId: read("/proc/sys/kernel/random/boot_id"),
      commandLine: read("/proc/cmdline"),
      hostname: hostname(),
      arch: arch() === "arm64" ? "arm64" : "x86_64",
      privateIp: firstAddress(),
      has: abilities(),
    },
    purpose,
  );
}

function firstAddress(): string | undefined {
  return Object.values(networkInterfaces())
    .flat()
    .find((address) => address?.family === "IPv4" && !address.internal)?.address;
}

/** What `needs:` may name. */
function abilities(): string[] {
  const programs = { apt: "/usr/bin/apt-get", dnf: "/usr/bin/dnf", apk: "/sbin/apk" };
  return [
    ...(existsSync("/run/systemd/system") ? ["systemd"] : []),
    ...(process.getuid?.() === 0 ? ["root"] : []),
    ...Object.entries(programs).flatMap(([name, path]) => (existsSync(path) ? [name] : [])),
  ];
}

/** The lineage's id, made at the first run; it travels in images. */
export function lineageId(path: string): string {
  const known = read(path);
  if (known !== undefined) return known;
  const fresh = randomBytes(16).toString("hex");
  writeDurably(path, `${fresh}\n`);
  return fresh;
}

/** A machine's identity as the journal has it: salted, so that an image does not tell who built it. */
export function machineHash(machine: string, lineage: string): string {
  return createHash("sha256").update(`${lineage}\n${machine}`).digest("hex").slice(0, 16);
}

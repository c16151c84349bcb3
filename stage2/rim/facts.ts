import { createHash, randomBytes } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { arch, hostname, networkInterfaces } from "node:os";
import type { Facts, Purpose } from "../types/facts.ts";
import { writeDurably } from "./write-durably.ts";

const read = (path: string): string | undefined => {
  try {
    return readFileSync(path, "utf8").trim() || undefined;
  } catch {
    return undefined;
  }
};

/** Reads `key=value` lines; quotes around a value are taken off (os-release(5)). */
export function readKeyValues(path: string): Map<string, string> {
  const lines = (read(path) ?? "").split("\n");
  return new Map(
    lines.flatMap((line) => {
      const at = line.indexOf("=");
      if (at <= 0 || line.startsWith("#")) return [];
      return [
        [
          line.slice(0, at).trim(),
          line
            .slice(at + 1)
            .trim()
            .replace(/^(["'])(.*)\1$/, "$2"),
        ] as const,
      ];
    }),
  );
}

/**
 * Finds out what machine this is. The seed (given by the sandbox or by a VM's host) is believed first; then DMI, which
 * costs no network. `BOOTLACE_*` of the environment is not looked at.
 */
export function readFacts(seedFile: string, purpose?: Purpose): Facts {
  const seed = readKeyValues(seedFile);
  const release = readKeyValues(existsSync("/etc/os-release") ? "/etc/os-release" : "/usr/lib/os-release");
  const asset = read("/sys/class/dmi/id/board_asset_tag");
  const onEc2 = (read("/sys/class/dmi/id/sys_vendor") ?? "").startsWith("Amazon") && asset?.startsWith("i-") === true;
  const provider = asProvider(seed.get("provider")) ?? (onEc2 ? "ec2" : "host");
  const privateIp = seed.get("private-ip") ?? firstAddress();
  const region = seed.get("region");
  return {
    os: release.get("ID") ?? "linux",
    osVersion: release.get("VERSION_ID") ?? "",
    arch: arch() === "arm64" ? "arm64" : "x86_64",
    provider,
    purpose: purpose ?? asPurpose(seed.get("purpose")) ?? asPurpose(kernelArgument("bootlace.purpose")) ?? "run",
    machine:
      seed.get("machine") ??
      (onEc2 ? asset : undefined) ??
      read("/sys/class/dmi/id/product_uuid") ??
      read("/etc/machine-id") ??
      hostname(),
    boot: seed.get("boot") ?? read("/proc/sys/kernel/random/boot_id") ?? "unknown",
    hostname: hostname(),
    has: abilities(),
    ...(region !== undefined && { region }),
    ...(privateIp !== undefined && { privateIp }),
  };
}

const asProvider = (text: string | undefined): Facts["provider"] | undefined =>
  (["ec2", "qemu", "sandbox", "host"] as const).find((provider) => provider === text);

const asPurpose = (text: string | undefined): Purpose | undefined =>
  (["build", "smoke", "run"] as const).find((purpose) => purpose === text);

function kernelArgument(name: string): string | undefined {
  const argument = read("/proc/cmdline")
    ?.split(/\s+/)
    .find((word) => word.startsWith(`${name}=`));
  return argument?.slice(name.length + 1);
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

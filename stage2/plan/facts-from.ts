import type { Facts, Purpose } from "../types/facts.ts";

/** What facts are made from, as it stands on a machine: read there, or by a desk over a session. */
export interface FactSources {
  /** The seed file: given by the sandbox or by a VM's host, believed first. */
  readonly seed?: string | undefined;
  /** os-release(5). */
  readonly osRelease?: string | undefined;
  /** DMI: no network is asked. */
  readonly vendor?: string | undefined;
  readonly assetTag?: string | undefined;
  readonly productUuid?: string | undefined;
  readonly machineId?: string | undefined;
  readonly bootId?: string | undefined;
  /** The kernel's command line. */
  readonly commandLine?: string | undefined;
  readonly hostname: string;
  readonly arch: Facts["arch"];
  readonly privateIp?: string | undefined;
  /** What `needs:` may name. */
  readonly has: readonly string[];
}

/** Finds out what machine this is. `BOOTLACE_*` of the environment is not looked at. */
export function factsFrom(sources: FactSources, purpose?: Purpose): Facts {
  const seed = keyValues(sources.seed ?? "");
  const release = keyValues(sources.osRelease ?? "");
  const { assetTag, hostname } = sources;
  const onEc2 = (sources.vendor ?? "").startsWith("Amazon") && assetTag?.startsWith("i-") === true;
  const privateIp = seed.get("private-ip") ?? sources.privateIp;
  const region = seed.get("region");
  return {
    os: release.get("ID") ?? "linux",
    osVersion: release.get("VERSION_ID") ?? "",
    arch: sources.arch,
    provider: asProvider(seed.get("provider")) ?? (onEc2 ? "ec2" : "host"),
    purpose: purpose ?? asPurpose(seed.get("purpose")) ?? asPurpose(argument(sources.commandLine)) ?? "run",
    machine:
      seed.get("machine") ?? (onEc2 ? assetTag : undefined) ?? sources.productUuid ?? sources.machineId ?? hostname,
    boot: seed.get("boot") ?? sources.bootId ?? "unknown",
    hostname,
    has: sources.has,
    ...(region !== undefined && { region }),
    ...(privateIp !== undefined && { privateIp }),
  };
}

/** Reads `key=value` lines; quotes around a value are taken off (os-release(5)). */
export function keyValues(text: string): Map<string, string> {
  return new Map(
    text.split("\n").flatMap((line) => {
      const at = line.indexOf("=");
      if (at <= 0 || line.startsWith("#")) return [];
      const value = line.slice(at + 1).trim();
      return [[line.slice(0, at).trim(), value.replace(/^(["'])(.*)\1$/, "$2")] as const];
    }),
  );
}

const asProvider = (text: string | undefined): Facts["provider"] | undefined =>
  (["ec2", "qemu", "sandbox", "host"] as const).find((provider) => provider === text);

const asPurpose = (text: string | undefined): Purpose | undefined =>
  (["build", "smoke", "run"] as const).find((purpose) => purpose === text);

function argument(commandLine = ""): string | undefined {
  const found = commandLine.split(/\s+/).find((word) => word.startsWith("bootlace.purpose="));
  return found?.slice(found.indexOf("=") + 1);
}

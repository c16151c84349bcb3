import { outputPrefix, variableName, variableValue } from "../plan/variables.ts";
import type { Facts } from "../types/facts.ts";
import type { Reason } from "../types/plan.ts";
import type { Phase, Service } from "../types/service.ts";

/** Everything a script's environment is made of. */
export interface ScriptContext {
  readonly service: Service;
  /** A phase, or `action:NAME`, or `ready`. */
  readonly phase: Phase | `action:${string}` | "ready";
  readonly run: string;
  readonly reason: Reason;
  /** True until a whole update has ended well on this machine. */
  readonly firstBoot: boolean;
  readonly facts: Facts;
  /** Outputs of the services that this one requires: service → name → value. */
  readonly outputs: ReadonlyMap<string, ReadonlyMap<string, string>>;
  readonly folders: {
    readonly dir: string;
    readonly state: string;
    readonly output: string;
    readonly artifacts: string;
    readonly credentials?: string;
  };
  readonly user: { readonly name: string; readonly home: string };
  /** Only where APT is there: a configuration that waits for its lock. */
  readonly aptConfig?: string;
  /** Values of an action's `k=v` arguments. */
  readonly extra?: Readonly<Record<string, string>>;
}

/**
 * A script's whole environment. Nothing of the runner's own is handed on. Later entries win over earlier ones, and
 * `BOOTLACE_*` over everything.
 */
export function scriptEnvironment(context: ScriptContext): Record<string, string> {
  const { service, facts, folders, user } = context;
  const outputs = service.requires.flatMap((name) =>
    [...(context.outputs.get(name) ?? [])].map(([key, value]) => [`${outputPrefix(name)}${key}`, value] as const),
  );
  const params = Object.entries(service.params).map(
    ([name, value]) => [variableName(name), variableValue(value)] as const,
  );
  return {
    PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    HOME: user.home,
    USER: user.name,
    LOGNAME: user.name,
    SHELL: "/bin/sh",
    LANG: "C.UTF-8",
    DEBIAN_FRONTEND: "noninteractive",
    ...(context.aptConfig !== undefined && { APT_CONFIG: context.aptConfig }),
    ...Object.fromEntries(outputs),
    ...Object.fromEntries(params),
    ...Object.fromEntries(Object.entries(service.env).map(([name, value]) => [name, fillFacts(value, facts)])),
    ...context.extra,
    BOOTLACE_PHASE: context.phase,
    BOOTLACE_SERVICE: service.name,
    BOOTLACE_RUN: context.run,
    BOOTLACE_REASON: context.reason,
    BOOTLACE_BOOT: context.firstBoot ? "first" : "again",
    BOOTLACE_DIR: folders.dir,
    BOOTLACE_STATE: folders.state,
    BOOTLACE_OUTPUT: folders.output,
    BOOTLACE_ARTIFACTS: folders.artifacts,
    ...(folders.credentials !== undefined && { BOOTLACE_CREDENTIALS: folders.credentials }),
    BOOTLACE_PROVIDER: facts.provider,
    BOOTLACE_INSTANCE_ID: facts.machine,
    BOOTLACE_PURPOSE: facts.purpose,
    BOOTLACE_ARCH: facts.arch,
    BOOTLACE_OS: facts.os,
    ...(facts.region !== undefined && { BOOTLACE_REGION: facts.region }),
    ...(facts.privateIp !== undefined && { BOOTLACE_PRIVATE_IP: facts.privateIp }),
    ...(facts.publicIp !== undefined && { BOOTLACE_PUBLIC_IP: facts.publicIp }),
  };
}

/** Puts facts into `{os}`, `{arch}`, `{instanceId}` …; what is not known stays empty. */
export function fillFacts(text: string, facts: Facts): string {
  const known: Record<string, string | undefined> = { ...factValues(facts) };
  return text.replace(/\{([a-zA-Z]+)\}/g, (whole, name: string) => (name in known ? (known[name] ?? "") : whole));
}

/** Facts that values of service.yaml may name. */
export function factValues(facts: Facts): Readonly<Record<(typeof FACT_NAMES)[number], string | undefined>> {
  const { os, osVersion, arch, provider, machine, hostname, region, privateIp, publicIp } = facts;
  return { os, osVersion, arch, provider, instanceId: machine, hostname, region, privateIp, publicIp };
}

export const FACT_NAMES = [
  "os",
  "osVersion",
  "arch",
  "provider",
  "instanceId",
  "hostname",
  "region",
  "privateIp",
  "publicIp",
] as const;

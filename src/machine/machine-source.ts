import { resolve } from "node:path";
import { BootlaceError, findClosure, type Service } from "../../stage2/index.ts";
import { refuseStart, startImage } from "../image/find-image.ts";
import { imageBase } from "../image/image-record.ts";
import type { BaseConfig, ImageConfig, MachineConfig } from "../manifest/project-schema.ts";
import type { LoadedProject } from "../project/loaded.ts";
import { deskArch, type RuntimeArch } from "../runtime/pinned.ts";
import type { Base, Hardware, Provider } from "./machine.ts";

/**
 * What an image or a machine of bootlace.yaml starts from.
 *
 * @param arch where only an image for it will do.
 * @throws {BootlaceError} `E_PROVIDER_UNSUPPORTED` for a base that the provider's machines do not have, `E_IMAGE_UNKNOWN`, `E_IMAGE_STATE`, `E_IMAGE_ELSEWHERE` for an image that nothing can start from here.
 */
export async function resolveBase(
  { dir, config }: Pick<LoadedProject, "dir" | "config">,
  from: string | BaseConfig | undefined,
  provider: Provider,
  arch?: RuntimeArch,
): Promise<Base> {
  if (typeof from === "string") return imageOf(dir, from, provider, arch);
  if (from === undefined) return inRegion(config.region, provider.defaultBase);
  const base = describedBase(dir, from);
  if (base && provider.bases.includes(base.kind)) return inRegion(config.region, base);
  const starts = provider.bases.map((kind) => BASE_WORDS[kind]).join(", ");
  throw new BootlaceError(
    "E_PROVIDER_UNSUPPORTED",
    `A ${provider.name} starts from ${starts}, not from ${Object.keys(from).join(", ")}`,
    { hint: "Say `from:` in bootlace.yaml, or try it in a sandbox: --on sandbox" },
  );
}

/** An AMI is known in one region only: that of the project. */
function inRegion(region: string | undefined, base: Base): Base {
  return base.kind !== "ami" || region === undefined ? base : { ...base, region };
}

const BASE_WORDS: Readonly<Record<Base["kind"], string>> = {
  host: "{host: true}",
  root: "{root: DIR}",
  debian: "{debian: RELEASE}",
  file: "{file: DISK}",
  url: "{url: URL, sha256: DIGEST}",
  ami: "{ami: ID}, {name: NAME, owner: OWNER} or {ssm: PARAMETER}",
  layers: "an image of the project",
};

async function imageOf(dir: string, name: string, provider: Provider, arch: RuntimeArch | undefined): Promise<Base> {
  const image = (await startImage(dir, name, arch)) ?? (await refuseStart(dir, name));
  if (image.provider !== provider.name)
    throw new BootlaceError(
      "E_PROVIDER_UNSUPPORTED",
      `Image ${name}/${image.id} is of ${image.provider}; a ${provider.name} cannot start from it`,
      { hint: `Build it there: bootlace build ${name} --on ${provider.name}` },
    );
  return imageBase(dir, image);
}

function describedBase(dir: string, from: BaseConfig): Base | undefined {
  if (from.root !== undefined) return { kind: "root", path: resolve(dir, from.root) };
  if (from.host) return { kind: "host" };
  if (from.debian !== undefined) return { kind: "debian", suite: from.debian };
  if (from.file !== undefined) return { kind: "file", path: resolve(dir, from.file) };
  if (from.ami !== undefined) return { kind: "ami", which: { id: from.ami } };
  if (from.ssm !== undefined) return { kind: "ami", which: { ssm: from.ssm } };
  if (from.name !== undefined) return { kind: "ami", which: { name: from.name, owner: from.owner ?? "self" } };
  if (from.url === undefined) return undefined;
  const { url, sha256, sha512 } = from;
  return { kind: "url", url, ...(sha256 ? { sha256 } : {}), ...(sha512 ? { sha512 } : {}) };
}

/** What bootlace.yaml says of a machine's make, as a launch takes it. */
export function hardwareOf(config: ImageConfig | MachineConfig | undefined, arch: RuntimeArch): Hardware {
  const { memory, cpus, disk, login, qemu, ec2 } = config ?? {};
  const ports = config && "ports" in config ? config.ports?.map(String) : undefined;
  return {
    arch,
    ...(memory === undefined ? {} : { memory }),
    ...(cpus === undefined ? {} : { cpus }),
    ...(disk === undefined ? {} : { disk }),
    ...(login === undefined ? {} : { login }),
    ...(ports === undefined ? {} : { ports }),
    ...(ec2 === undefined ? {} : { ec2 }),
    ...(qemu === undefined ? {} : { qemu: qemu as NonNullable<Hardware["qemu"]> }),
  };
}

/**
 * The architecture that an image or a machine is to have; that of the desk where nothing is said.
 *
 * @throws {BootlaceError} `E_PROVIDER_UNSUPPORTED` where a sandbox would need another processor.
 */
export function archOf(config: ImageConfig | MachineConfig | undefined, provider: Provider): RuntimeArch {
  const arch = [config?.arch ?? deskArch()].flat();
  const one = arch.find((name) => name === deskArch()) ?? arch[0] ?? deskArch();
  if (provider.name === "sandbox" && one !== deskArch())
    throw new BootlaceError(
      "E_PROVIDER_UNSUPPORTED",
      `A sandbox has this computer's processor, ${deskArch()}; bootlace.yaml asks for ${one}`,
      { hint: "Use `on: qemu`, which has both." },
    );
  return one;
}

/**
 * The services that roots bring along on a machine of a provider, in order.
 *
 * @throws {BootlaceError} `E_MACHINE_NEEDS` when one needs what such machines do not have, before anything is launched.
 */
export function closureFor(
  loaded: LoadedProject,
  roots: readonly string[],
  provider: Provider,
  arch: string,
): readonly Service[] {
  const byName = new Map(loaded.project.services.map((service) => [service.name, service]));
  const { services } = findClosure(
    byName,
    roots,
    ({ when }) =>
      when.off === undefined && (when.provider?.includes(provider.name) ?? true) && (when.arch?.includes(arch) ?? true),
  );
  for (const service of services)
    for (const need of service.needs)
      if (provider.lacks.includes(need))
        throw new BootlaceError(
          "E_MACHINE_NEEDS",
          `Service ${service.name} needs ${need}; a ${provider.name} has none`,
          {
            hint: "Use a provider with real machines, or leave the service out there: `when: {provider: [ec2, qemu]}`.",
          },
        );
  return services;
}

import { resolve } from "node:path";
import { BootlaceError, findClosure, type Service } from "../../stage2/index.ts";
import { findImage, imageBase } from "../image/image-record.ts";
import type { BaseConfig } from "../manifest/project-schema.ts";
import type { LoadedProject } from "../project/loaded.ts";
import type { Base, Provider } from "./machine.ts";

/**
 * What an image or a machine of bootlace.yaml starts from.
 *
 * @throws {BootlaceError} `E_PROVIDER_UNSUPPORTED` for a base that sandboxes do not have, `E_IMAGE_UNKNOWN` for an image that was not built.
 */
export async function resolveBase(dir: string, from: string | BaseConfig | undefined): Promise<Base> {
  if (from === undefined) return { kind: "host" };
  if (typeof from === "string") {
    const image = await findImage(dir, from);
    if (image) return imageBase(dir, image);
    throw new BootlaceError("E_IMAGE_UNKNOWN", `Image ${from} was not built yet`, {
      hint: `Build it: bootlace build ${from}`,
    });
  }
  if (from.root !== undefined) return { kind: "root", path: resolve(dir, from.root) };
  if (from.host) return { kind: "host" };
  throw new BootlaceError(
    "E_PROVIDER_UNSUPPORTED",
    `A sandbox starts from this host, a root tree or an image of the project, not from ${Object.keys(from).join(", ")}`,
    { hint: "Use `from: {host: true}` or `from: {root: DIR}`, or `--on sandbox` for a try." },
  );
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
    ({ when }) => (when.provider?.includes(provider.name) ?? true) && (when.arch?.includes(arch) ?? true),
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

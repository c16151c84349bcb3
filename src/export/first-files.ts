import { BootlaceError } from "../../stage2/index.ts";
import { machineBootConf } from "../deploy/boot-conf.ts";
import type { ProjectConfig } from "../manifest/project-schema.ts";
import { loadTrust } from "../trust/trust.ts";
import { trustFileText } from "../trust/trusted-key.ts";

/** What a machine needs besides stage1 to boot by itself. */
export interface FirstFiles {
  /** Text of /etc/bootlace/boot.conf. */
  readonly conf: string;
  /** Files of /etc/bootlace/trust: name and text. */
  readonly trust: readonly { readonly name: string; readonly text: string }[];
  /** Text of /etc/bootlace/services. */
  readonly services: string;
}

/**
 * What `export` hands to other tools for machines of a project.
 *
 * @param target A machine or an image of bootlace.yaml, whose services the machine runs; without one, the project's.
 * @throws {BootlaceError} `E_EXPORT` where a machine would have nothing to fetch, `E_MACHINE_UNKNOWN`.
 */
export async function firstFiles(dir: string, config: ProjectConfig, target: string | undefined): Promise<FirstFiles> {
  const refuse = (why: string, hint: string) => new BootlaceError("E_EXPORT", why, { hint });
  if (config.boot.follow === "none")
    throw refuse(
      "The machine would follow no channel, so its stage1 would have nothing to fetch",
      "Set boot.follow to a channel in bootlace.yaml and publish to it: bootlace deploy CHANNEL.",
    );
  if (!/^(?:s3|https?):/.test(config.store))
    throw refuse(
      `The store ${config.store} is a folder at this desk, which other machines cannot reach`,
      "Set store: to s3:// or to the http(s):// address that serves the folder.",
    );
  const { keys } = await loadTrust(dir);
  if (keys.length === 0)
    throw refuse("The project has no key that machines could trust", "Make one: bootlace key new.");
  const roots = rootsOf(config, target);
  return {
    conf: machineBootConf(config, dir),
    trust: keys.map((key) => ({ name: `${key.id}.pem`, text: trustFileText(key) })),
    services: roots.map((root) => `${root}\n`).join(""),
  };
}

function rootsOf({ images, machines, services }: ProjectConfig, target: string | undefined): readonly string[] {
  if (target === undefined) return services;
  const found = machines[target] ?? images[target];
  if (found === undefined)
    throw new BootlaceError("E_MACHINE_UNKNOWN", `bootlace.yaml has no machine and no image "${target}"`);
  const from = found.services === undefined && typeof found.from === "string" ? images[found.from] : undefined;
  return found.services ?? from?.services ?? services;
}

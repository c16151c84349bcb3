import { BootlaceError } from "../../stage2/index.ts";
import { ec2Provider } from "./ec2/ec2-provider.ts";
import type { Origin, Provider } from "./machine.ts";
import { qemuProvider } from "./qemu/qemu-provider.ts";
import { sandboxProvider } from "./sandbox/sandbox-provider.ts";

/** Instances that exist already, whoever launched them. */
export {
  type FoundInstance,
  findInstances,
  GROUP_TAG,
  type InstanceChoice,
  instanceConsole,
} from "./ec2/find-instances.ts";
/** Of the images of virtual machines; no other provider's have a disk. */
export { exportDisk } from "./qemu/export.ts";

/** Providers of this version, by the name that `on:` has. */
const PROVIDERS: Readonly<Record<string, () => Provider>> = {
  sandbox: () => sandboxProvider(),
  qemu: () => qemuProvider(),
  ec2: () => ec2Provider(),
};

export function allProviders(): readonly Provider[] {
  return Object.values(PROVIDERS).map((make) => make());
}

/** What a provider calls an image that it keeps, for a person; empty where it keeps none, or this version does not have it. */
export const placeOf = (provider: string, origin: Origin): string => PROVIDERS[provider]?.().locate?.(origin) ?? "";

/** @throws {BootlaceError} `E_PROVIDER_UNSUPPORTED`, naming those that this version has. */
export function providerNamed(name: string): Provider {
  const make = PROVIDERS[name];
  if (make) return make();
  throw new BootlaceError(
    "E_PROVIDER_UNSUPPORTED",
    `This version has no provider ${name}; it has: ${Object.keys(PROVIDERS).join(", ")}`,
    {
      hint: "Try it in a sandbox: --on sandbox",
    },
  );
}

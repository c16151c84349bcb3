import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { BootlaceError } from "../../../stage2/index.ts";
import { deskArch } from "../../runtime/pinned.ts";
import { readJson, writeJson } from "../machine-folder.ts";
import type { GuestArch } from "./arch.ts";
import { makeCacheFolder } from "./cache.ts";
import { probeKvm } from "./probe.ts";

export interface ChosenAccel {
  readonly accel: "kvm" | "hvf" | "tcg";
  /** Why, for a person. */
  readonly why: string;
}

/**
 * How a machine is to be run: as asked, or the best that works here. KVM counts only where it has run code: a device
 * may be there and broken.
 *
 * @throws {BootlaceError} `E_QEMU_UNAVAILABLE` when something is asked for that does not work.
 */
export async function chooseAccel(
  asked: "auto" | "kvm" | "hvf" | "tcg",
  arch: GuestArch,
  probe: () => Promise<string | undefined> = knownProbe,
): Promise<ChosenAccel> {
  if (asked === "tcg") return { accel: "tcg", why: "asked for" };
  const best = process.platform === "darwin" ? "hvf" : "kvm";
  const fault =
    arch !== deskArch()
      ? `this computer's processor is ${deskArch()}, the machine's ${arch}`
      : asked !== "auto" && asked !== best
        ? `${process.platform} has no ${asked}`
        : best === "kvm"
          ? await probe()
          : undefined;
  if (fault === undefined) return { accel: best, why: asked === "auto" ? "it works here" : "asked for" };
  if (asked === "auto") return { accel: "tcg", why: `no ${best}: ${fault}` };
  throw new BootlaceError("E_QEMU_UNAVAILABLE", `${asked} does not work here: ${fault}`, {
    hint: "Leave `qemu.accel` out of bootlace.yaml: what works is found out.",
  });
}

/** In a few words; what QEMU said of it stands in the console's file. */
export const shownAccel = ({ accel, why }: ChosenAccel): string =>
  accel !== "tcg"
    ? accel
    : why === "asked for"
      ? "tcg, as asked for"
      : `tcg; ${why.startsWith("no hvf") ? "HVF" : "KVM"} does not work here`;

interface Known {
  readonly boot: string;
  readonly fault?: string;
}

/** Once for each boot of this computer: what KVM can do changes with its kernel and with who started it. */
async function knownProbe(): Promise<string | undefined> {
  const boot = (await readFile("/proc/sys/kernel/random/boot_id", "utf8").catch(() => "")).trim();
  // By user: the device may be open to one and not to another.
  const file = join(await makeCacheFolder("."), `kvm-${process.geteuid?.() ?? 0}.json`);
  const known = await readJson<Known>(file).catch(() => undefined);
  if (known && known.boot === boot) return known.fault;
  const fault = await probeKvm();
  await writeJson(file, { boot, ...(fault === undefined ? {} : { fault }) } satisfies Known);
  return fault;
}

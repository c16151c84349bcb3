import { randomBytes } from "node:crypto";
import { mkdir, writeFile } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { BootlaceError } from "../../../stage2/index.ts";
import { deskArch } from "../../runtime/pinned.ts";
import { throwIfAborted } from "../../session/abort.ts";
import { makeSshKey, writeSshKey } from "../../session/ssh-key.ts";
import { assertLayer } from "../assert-layer.ts";
import type { Base, LaunchSpec, Layer, Machine, Provider } from "../machine.ts";
import { claimJson, readJson } from "../machine-folder.ts";
import { nameTaken } from "../name-taken.ts";
import { chooseAccel } from "./accel.ts";
import { ARCH, type GuestArch } from "./arch.ts";
import { LAYER_INITRD, LAYER_KERNEL, linkChain, makeOverlay } from "./chain.ts";
import { describeBase, describeOrigin } from "./describe-origin.ts";
import { fetchedBase } from "./fetched-base.ts";
import { fileBase } from "./file-base.ts";
import { madeBase } from "./made-base.ts";
import { onPath } from "./on-path.ts";
import { assertPortsFree, parseForward } from "./ports.ts";
import { QemuMachine } from "./qemu-machine.ts";
import { type BaseDisk, filesOf, type QemuFiles, type QemuPace, type QemuSpec } from "./qemu-spec.ts";
import { makeSeed } from "./seed.ts";
import { unusedDisks } from "./unused-disks.ts";

/** Memory of a machine where nobody says, in bytes. */
const MEMORY = 1024 ** 3;
const CPUS = 2;

/** Virtual machines on this computer: a kernel, a systemd and an sshd of their own. */
export function qemuProvider(pace: QemuPace = {}): Provider {
  return {
    name: "qemu",
    lacks: [],
    bases: ["debian", "file", "url", "layers"],
    defaultBase: { kind: "debian", suite: "bookworm" },
    assertAvailable: () => assertQemuAvailable(deskArch()),
    async baseState(base, { arch = deskArch(), signal } = {}) {
      if (base.kind === "layers") return base.layers.map(({ digest }) => digest).join(" ") || (base.origin.base ?? "");
      return (await obtainBase(base, arch, signal)).digest;
    },
    describeOrigin,
    async launch(spec, signal) {
      throwIfAborted(signal);
      const arch = archOf(spec);
      await assertQemuAvailable(arch);
      await assertFree(spec);
      const { machine, files, made } = await record(spec, arch, pace, signal);
      try {
        await prepare(made, files, spec.base, signal);
        await machine.start(signal);
      } catch (error) {
        await machine.dispose();
        throw error;
      }
      return machine;
    },
    async find(dir, name) {
      const files = filesOf(dir, name);
      const spec = await readJson<QemuSpec>(files.spec);
      return spec?.provider === "qemu" ? new QemuMachine(spec, files, pace) : undefined;
    },
    unused: () => unusedDisks(),
  };
}

/** What needs nothing that is made: refused before minutes go into a base. */
async function assertFree(spec: LaunchSpec): Promise<void> {
  if (await readJson(filesOf(spec.dir, spec.name).spec)) throw nameTaken(spec.name);
  await assertPortsFree((spec.hardware?.ports ?? []).map(parseForward));
  await chooseAccel(spec.hardware?.qemu?.accel ?? "auto", archOf(spec));
}

const archOf = ({ base, hardware }: LaunchSpec): GuestArch =>
  base.kind === "layers" && base.origin.arch === "arm64" ? "arm64" : (hardware?.arch ?? deskArch());

async function record(spec: LaunchSpec, arch: GuestArch, pace: QemuPace, signal?: AbortSignal) {
  const { name, dir, purpose, hardware = {} } = spec;
  const base = await obtainBase(spec.base, arch, signal);
  const layers = spec.base.kind === "layers" ? spec.base.layers : [];
  const from = describeBase(spec.base);
  const made: QemuSpec = {
    provider: "qemu",
    name,
    id: `vm-${randomBytes(8).toString("hex")}`,
    purpose,
    // hostname(7): at most 63 characters a label.
    hostname: (spec.hostname ?? name).slice(0, 63).replace(/-+$/, ""),
    arch,
    memory: hardware.memory ?? MEMORY,
    cpus: hardware.cpus ?? Math.min(CPUS, availableParallelism()),
    ...(hardware.disk === undefined ? {} : { disk: hardware.disk }),
    login: hardware.login ?? (spec.base.kind === "layers" ? (spec.base.origin.login ?? "root") : "root"),
    ports: hardware.ports ?? [],
    accel: hardware.qemu?.accel ?? "auto",
    args: hardware.qemu?.args ?? [],
    mac: randomMac(),
    base,
    ...(from === undefined ? {} : { from }),
    layers,
  };
  const files = filesOf(dir, name);
  // The record first: whatever is made from here on can be found and removed by it.
  if (!(await claimJson(files.spec, made))) throw nameTaken(name);
  return { made, files, machine: new QemuMachine(made, files, pace) as Machine };
}

/** Random, locally administered, not multicast (IEEE 802, 8.2): the second digit is 2, 6, a or e. */
function randomMac(): string {
  const bytes = randomBytes(6);
  bytes[0] = ((bytes[0] ?? 0) & 0xfc) | 0x02;
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join(":");
}

async function obtainBase(base: Base, arch: GuestArch, signal?: AbortSignal): Promise<BaseDisk> {
  switch (base.kind) {
    case "debian":
      return madeBase(base.suite, arch, signal);
    case "file":
      return fileBase(base.path, signal);
    case "url":
      return fetchedBase(base, signal);
    case "layers": {
      const { base: digest = "", format, boot } = base.origin;
      return { digest, format: format === "raw" ? "raw" : "qcow2", boot: boot === "direct" ? "direct" : "disk" };
    }
    default:
      throw new BootlaceError("E_PROVIDER_UNSUPPORTED", `A virtual machine cannot start from {${base.kind}}`);
  }
}

async function prepare(spec: QemuSpec, files: QemuFiles, base: Base, signal?: AbortSignal): Promise<void> {
  for (const layer of spec.layers) await assertLayer(layer);
  if (base.kind === "layers" && spec.base.boot === "direct") await assertBootFiles(base.origin, spec.layers);
  const user = makeSshKey(`desk key of ${spec.id}`);
  await writeSshKey(files.userKey, user);
  if (spec.base.boot === "disk") {
    const hostKey = makeSshKey(`host key of ${spec.id}`);
    await writeSshKey(files.hostKey, hostKey);
    await mkdir(files.seed, { mode: 0o700 });
    for (const [name, text] of Object.entries(makeSeed({ ...spec, authorized: user.public, hostKey })))
      await writeFile(join(files.seed, name), text, { mode: 0o600 });
  }
  throwIfAborted(signal);
  await linkChain(spec, files);
  await makeOverlay(spec, files, signal);
}

async function assertBootFiles(origin: Readonly<Record<string, string>>, layers: readonly Layer[]): Promise<void> {
  const folder = join(layers.at(-1)?.file ?? "", "..");
  for (const [name, digest] of [
    [LAYER_KERNEL, origin.kernel],
    [LAYER_INITRD, origin.initrd],
  ] as const)
    if (digest !== undefined) await assertLayer({ digest, bytes: 0, file: join(folder, name) });
}

async function assertQemuAvailable(arch: GuestArch): Promise<void> {
  for (const tool of [ARCH[arch].qemu, "qemu-img", "qemu-io", "debugfs"])
    if (!(await onPath(tool)))
      throw new BootlaceError("E_QEMU_UNAVAILABLE", `A virtual machine needs ${tool}, which is not on the PATH`, {
        hint: "Debian: apt install qemu-system-x86 qemu-utils e2fsprogs (qemu-system-arm for arm64). macOS: brew install qemu e2fsprogs.",
      });
}

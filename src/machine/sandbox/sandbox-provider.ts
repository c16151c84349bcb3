import { randomBytes } from "node:crypto";
import { chmod, mkdir } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { BootlaceError } from "../../../stage2/index.ts";
import { packageRoot } from "../../cli/package-root.ts";
import { throwIfAborted } from "../../session/abort.ts";
import { makeSshKey, writeSshKey } from "../../session/ssh-key.ts";
import type { Base, LaunchSpec, Machine, Provider } from "../machine.ts";
import { claimJson, readJson } from "../machine-folder.ts";
import { nameTaken } from "../name-taken.ts";
import { assertSandboxAvailable } from "./available.ts";
import { findDepot } from "./depot.ts";
import { unpackLayer } from "./layer-file.ts";
import { makeMask } from "./mask.ts";
import { rootState } from "./root-state.ts";
import { SandboxMachine } from "./sandbox-machine.ts";
import { filesOf, type SandboxSpec, storageOf } from "./sandbox-spec.ts";
import { unusedLayers } from "./unused-layers.ts";

export interface SandboxOptions {
  /** What starts the supervisor; the machine's folder follows. Default: this program's `__sandbox`. */
  readonly supervisor?: readonly string[];
}

/** The embedded provider: a copy-on-write layer over this Linux host or a root tree, in namespaces of its own. */
export function sandboxProvider(options: SandboxOptions = {}): Provider {
  const supervisor = options.supervisor ?? [
    process.execPath,
    fileURLToPath(new URL("bin/bootlace.js", packageRoot())),
    "__sandbox",
  ];
  return {
    name: "sandbox",
    lacks: ["systemd"],
    sharesPorts: true,
    bases: ["host", "root", "layers"],
    defaultBase: { kind: "host" },
    assertAvailable: () => assertSandboxAvailable(),
    baseState: (base) => (base.kind === "layers" ? Promise.resolve(topOf(base)) : rootState(rootOf(base))),
    async launch(spec, signal) {
      throwIfAborted(signal);
      await assertSandboxAvailable(rootOf(spec.base));
      const machine = await prepare(spec, supervisor);
      try {
        await machine.start(signal);
      } catch (error) {
        await machine.dispose();
        throw error;
      }
      return machine;
    },
    unused: unusedLayers,
    async find(dir, name) {
      const files = filesOf(dir, name);
      const spec = await readJson<SandboxSpec>(files.spec);
      return spec?.provider === "sandbox" ? new SandboxMachine(spec, files, supervisor) : undefined;
    },
  };
}

async function prepare(spec: LaunchSpec, supervisor: readonly string[]): Promise<Machine> {
  const files = filesOf(spec.dir, spec.name);
  if (await readJson(files.spec)) throw nameTaken(spec.name);
  const root = rootOf(spec.base);
  const state = await rootState(root);
  assertSameRoot(spec.base, state);
  const layers = spec.base.kind === "layers" ? spec.base.layers : [];
  const { folder: depot, stack } = await findDepot(spec.dir, root);
  const made: SandboxSpec = {
    provider: "sandbox",
    name: spec.name,
    id: `sbx-${randomBytes(8).toString("hex")}`,
    machineId: randomBytes(16).toString("hex"),
    purpose: spec.purpose,
    hostname: spec.hostname ?? spec.name,
    root,
    rootState: state,
    layers,
    depot,
    stack,
  };
  // The record first: whatever is made from here on can be found and removed by it.
  if (!(await claimJson(files.spec, made))) throw nameTaken(spec.name);
  const machine = new SandboxMachine(made, files, supervisor);
  try {
    for (const layer of layers) await unpackLayer(layer, depot);
    const storage = storageOf(made);
    for (const name of ["upper", "work", "below", "below-work", "root"])
      await mkdir(join(storage, name), { recursive: true });
    await chmod(join(storage, "upper"), 0o755);
    await makeMask(storage, root, depot.startsWith(`${spec.dir}/`) ? [spec.dir] : [spec.dir, depot]);
    await writeSshKey(files.hostKey, makeSshKey(`host key of ${made.id}`));
    await writeSshKey(files.userKey, makeSshKey(`desk key of ${made.id}`));
  } catch (error) {
    await machine.dispose();
    throw error;
  }
  return machine;
}

function rootOf(base: Base): string {
  if (base.kind === "root") return base.path;
  return base.kind === "layers" ? (base.origin.root ?? "/") : "/";
}

const topOf = (base: Base & { kind: "layers" }): string =>
  base.layers.map((layer) => layer.digest).join(" ") || (base.origin.rootState ?? "");

function assertSameRoot(base: Base, state: string): void {
  if (base.kind !== "layers" || base.origin.rootState === state) return;
  throw new BootlaceError(
    "E_SANDBOX_ROOT_CHANGED",
    `The packages installed on ${rootOf(base)} changed since the image was built: expected state ${base.origin.rootState?.slice(0, 12)}, came ${state.slice(0, 12)}`,
    { hint: "Build the image again: bootlace build IMAGE" },
  );
}

import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Layer, Machine, Origin, Provider } from "../../../../src/machine/machine.ts";
import { machineFolder, readJson } from "../../../../src/machine/machine-folder.ts";
import { isAlive } from "../../../../src/machine/process-identity.ts";
import { depotsOf } from "../../../../src/machine/sandbox/depot.ts";
import { packLayer } from "../../../../src/machine/sandbox/layer-file.ts";
import { rootState } from "../../../../src/machine/sandbox/root-state.ts";
import { sandboxProvider } from "../../../../src/machine/sandbox/sandbox-provider.ts";
import { filesOf, type SandboxState } from "../../../../src/machine/sandbox/sandbox-spec.ts";
import { Addresses } from "./addresses.ts";
import { ec2Supervisor, FIRMWARE } from "./supervisor.ts";

/** What init does on a machine with systemd; PID 1 of a sandbox halts on TERM and boots again on HUP. */
const POWER: Readonly<Record<string, string>> = {
  poweroff: "kill -s TERM 1",
  halt: "kill -s TERM 1",
  reboot: "kill -s HUP 1",
  shutdown: `case " $* " in *' -r '*) kill -s HUP 1 ;; *' now '* | *' +0 '*) kill -s TERM 1 ;; *) echo 'shutdown: only now' >&2; exit 1 ;; esac`,
};

/** The computers that instances run on: sandboxes, all in one folder, which goes with them. */
export class MachineRoom {
  readonly #dir: string;
  readonly #provider: Provider;
  readonly #origin: Origin;
  /** Where sshd listens, and on which port. */
  readonly addresses: Addresses;
  readonly port: number;
  /** What all base AMIs are made of. */
  readonly ground: Layer;

  private constructor(dir: string, port: number, provider: Provider, ground: Layer, origin: Origin) {
    this.#dir = dir;
    this.port = port;
    this.addresses = new Addresses(port);
    this.#provider = provider;
    this.ground = ground;
    this.#origin = origin;
  }

  /** @param dir a folder that exists; it is gone after {@link MachineRoom.close}. */
  static async open(dir: string, port: number): Promise<MachineRoom> {
    const provider = sandboxProvider({ supervisor: await ec2Supervisor() });
    return new MachineRoom(dir, port, provider, await makeGround(dir), { root: "/", rootState: await rootState("/") });
  }

  /** Boots a new machine. @param script what runs before its boot hook. */
  async launch(name: string, hostname: string, layers: readonly Layer[], script: string): Promise<Machine> {
    await this.setFirmware(name, script);
    const base = { kind: "layers", origin: this.#origin, layers } as const;
    return this.#provider.launch({ name, dir: this.#dir, base, purpose: "run", hostname });
  }

  /** For the next start of a machine; a reboot from within keeps what it has. */
  async setFirmware(name: string, script: string): Promise<void> {
    const file = join(machineFolder(this.#dir, name), FIRMWARE);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, script, { mode: 0o600 });
  }

  /** It has ended, and does not just boot again by itself: then its supervisor lives on. */
  async isOff(machine: Machine): Promise<boolean> {
    const state = await readJson<SandboxState>(filesOf(this.#dir, machine.name).state);
    return state === undefined || !isAlive(state.supervisor);
  }

  /** The stopped machine's layer, on top of those that it stands on. */
  async capture(machine: Machine): Promise<readonly Layer[]> {
    const folder = await mkdtemp(join(this.#dir, "layer-"));
    const { layer, parents } = await machine.capture(folder);
    if (!layer) throw new Error(`${machine.name} gave no layer`);
    return [...parents, layer];
  }

  async close(): Promise<void> {
    await rm(this.#dir, { recursive: true, force: true });
    // Where the layers lie when the folder's own file system cannot hold an overlay.
    for (const depot of depotsOf(this.#dir).slice(1)) await rm(depot, { recursive: true, force: true });
  }
}

/** Text of the machine's console so far. */
export async function consoleOf(machine: Machine | undefined): Promise<string> {
  return readFile(machine?.console ?? "/nonexistent", "utf8").catch(() => "");
}

/** The commands that end a boot: below all AMIs, so that none of them holds them. */
async function makeGround(dir: string): Promise<Layer> {
  const folder = join(dir, "ground");
  const programs = join(folder, "usr/sbin");
  await mkdir(programs, { recursive: true, mode: 0o755 });
  for (const path of [folder, join(folder, "usr"), programs]) await chmod(path, 0o755);
  for (const [name, line] of Object.entries(POWER)) {
    await writeFile(join(programs, name), `#!/bin/sh\n${line}\n`);
    await chmod(join(programs, name), 0o755);
  }
  return packLayer(folder, join(dir, "ground.tar"));
}

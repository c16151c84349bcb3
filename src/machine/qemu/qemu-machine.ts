import { readFile, rm } from "node:fs/promises";
import { BootlaceError } from "../../../stage2/index.ts";
import { throwIfAborted } from "../../session/abort.ts";
import type { Session } from "../../session/session.ts";
import { beginConsole } from "../console.ts";
import { withFileLock } from "../file-lock.ts";
import type { Captured, Contents, Machine, MachineStatus, NamedValue, Stopped } from "../machine.ts";
import { readJson, removeFolder, writeJson } from "../machine-folder.ts";
import { isAlive } from "../process-identity.ts";
import { chooseAccel, shownAccel } from "./accel.ts";
import { ARCH } from "./arch.ts";
import { captureDisk } from "./capture.ts";
import { linkChain } from "./chain.ts";
import { qemuCommand } from "./command.ts";
import { identityOf } from "./identity.ts";
import { assertPortsFree, freePort, parseForward } from "./ports.ts";
import { findStray, startQemu, stopQemu } from "./qemu-process.ts";
import type { QemuFiles, QemuPace, QemuSpec, QemuState } from "./qemu-spec.ts";
import { hear, knownHostKeys, logIn, reach } from "./reach.ts";
import { kernelLine } from "./seed.ts";
import { openStoppedDisk, type StoppedDisk } from "./stopped-disk.ts";

/** How long a boot may take until somebody is let in, in milliseconds. */
const BOOT_WITHIN = { tcg: 300_000, kvm: 60_000, hvf: 60_000 };
/** Between choosing a free port and QEMU taking it somebody else may have it. */
const TRIES = 3;

/** One virtual machine, seen from the desk; all it knows is in the machine's folder. */
export class QemuMachine implements Machine {
  readonly provider = "qemu";
  readonly rebootWithin = 240_000;
  readonly name: string;
  readonly id: string;
  readonly purpose: Machine["purpose"];
  readonly layers: Machine["layers"];
  readonly console: string;
  readonly #spec: QemuSpec;
  readonly #files: QemuFiles;
  readonly #pace: QemuPace;
  #stopped: StoppedDisk | undefined;

  constructor(spec: QemuSpec, files: QemuFiles, pace: QemuPace = {}) {
    this.#spec = spec;
    this.#files = files;
    this.#pace = pace;
    this.name = spec.name;
    this.id = spec.id;
    this.purpose = spec.purpose;
    this.layers = spec.layers;
    this.console = files.console;
  }

  async status(): Promise<MachineStatus> {
    if ((await readJson(this.#files.spec)) === undefined) return "gone";
    return (await this.#state()) ? "running" : "stopped";
  }

  async detail(): Promise<string | undefined> {
    const accel = (await this.#state())?.accel;
    return accel && shownAccel(accel);
  }

  async boot(): Promise<string> {
    const { boot } = await hear(await this.#running(), this.#files);
    if (boot !== undefined) return boot;
    throw new BootlaceError("E_MACHINE_STATE", `VM ${this.name} is still booting`);
  }

  async session(signal?: AbortSignal): Promise<Session> {
    const state = await this.#running();
    const report = await hear(state, this.#files);
    const keys = await knownHostKeys(this.#spec, this.#files, report);
    if (keys.length > 0 && (report.ready || this.#spec.base.boot === "disk"))
      return logIn(this.#spec, this.#files, state, keys, signal);
    // It boots again by itself.
    return reach(this.#spec, this.#files, state, this.#within(state), signal);
  }

  /** One command at a time starts it: the others wait, and then it runs. */
  async start(signal?: AbortSignal): Promise<void> {
    if (await this.#state()) return;
    await withFileLock(`${this.#files.folder}/start.lock`, () => this.#start(signal), signal);
  }

  async #start(signal: AbortSignal | undefined): Promise<void> {
    throwIfAborted(signal);
    if (await this.#state()) return;
    await this.#endStray();
    await this.#forget();
    const forwards = this.#spec.ports.map(parseForward);
    await assertPortsFree(forwards);
    const accel = await chooseAccel(this.#spec.accel, this.#spec.arch);
    await linkChain(this.#spec, this.#files);
    const line = await this.#kernelLine();
    for (let tries = 1; ; tries++) {
      throwIfAborted(signal);
      const port = await freePort();
      const told = `start ${new Date().toISOString()}, ${accel.accel} (${accel.why})`;
      const consoleFrom = await beginConsole(this.#files.console, told);
      const argv = qemuCommand({
        spec: this.#spec,
        accel: accel.accel,
        port,
        forwards,
        ...(line && { kernelLine: line }),
      });
      const state: QemuState = { process: await startQemu(argv, this.#files), port, consoleFrom, accel };
      try {
        await writeJson(this.#files.state, state);
        await this.#learn(await reach(this.#spec, this.#files, state, this.#within(state), signal));
        return;
      } catch (error) {
        // One that was interrupted, or takes long, goes on booting: its disk is not a builder's, which nobody misses.
        if (isAlive(state.process)) throw error;
        await rm(this.#files.state, { force: true });
        if (tries < TRIES && (await this.#lostPort(port))) continue;
        throw error;
      }
    }
  }

  async stop(): Promise<Stopped> {
    const state = await this.#state();
    if (!state) return "in order";
    const stopped = await stopQemu(state.process, this.#files, this.#pace.stopWithin);
    await rm(this.#files.state, { force: true });
    return stopped;
  }

  async reboot(signal?: AbortSignal): Promise<void> {
    const session = await this.session(signal);
    try {
      await session.exec(["sh", "-c", "systemctl reboot || reboot"], signal ? { signal } : {});
    } catch (error) {
      // It may be gone before it has answered.
      if (!(error instanceof BootlaceError && error.code === "E_SESSION_LOST")) throw error;
    } finally {
      await session.close();
    }
  }

  async capture(folder: string, signal?: AbortSignal): Promise<Captured> {
    const status = await this.status();
    if (status !== "stopped")
      throw new BootlaceError("E_MACHINE_STATE", `VM ${this.name} is ${status}; only a stopped one can be captured`);
    const disk = await this.#stoppedDisk(signal);
    const captured = await captureDisk(this.#spec, this.#files, disk, folder, signal);
    await this.#forget();
    return captured;
  }

  async contents(signal?: AbortSignal): Promise<Contents | undefined> {
    if ((await this.status()) !== "stopped") return undefined;
    const { view, written } = await this.#stoppedDisk(signal);
    return { kind: "disk", path: view, written };
  }

  async dispose(): Promise<void> {
    const state = await this.#state();
    if (state) await stopQemu(state.process, this.#files, 0);
    await this.#endStray();
    await removeFolder(this.#files.folder);
  }

  identity(): Promise<readonly NamedValue[]> {
    return identityOf(this.#spec, this.#files);
  }

  #within({ accel }: QemuState): number {
    return this.#pace.bootWithin ?? BOOT_WITHIN[accel.accel];
  }

  async #kernelLine(): Promise<string | undefined> {
    const { id, purpose, hostname, arch, base } = this.#spec;
    if (base.boot === "disk") return undefined;
    const authorized = await readFile(`${this.#files.userKey}.pub`, "utf8");
    return kernelLine({ id, purpose, hostname, authorized }, ARCH[arch].tty);
  }

  /** What only the guest can tell, kept for when it is stopped. */
  async #learn(session: Session): Promise<void> {
    try {
      const { stdout } = await session.exec(["cat", "/etc/machine-id"]);
      await writeJson(this.#files.known, { machineId: stdout.trim() });
    } finally {
      await session.close();
    }
  }

  async #stoppedDisk(signal?: AbortSignal): Promise<StoppedDisk> {
    if (!this.#stopped) await linkChain(this.#spec, this.#files);
    this.#stopped ??= await openStoppedDisk(this.#files, signal);
    return this.#stopped;
  }

  /** The view of a disk takes as much room as the disk, and is wrong once the machine runs. */
  async #forget(): Promise<void> {
    await rm(this.#stopped?.view ?? `${this.#files.folder}/view.raw`, { force: true });
    this.#stopped = undefined;
  }

  async #lostPort(port: number): Promise<boolean> {
    return (await readFile(this.#files.log, "utf8").catch(() => "")).includes(`hostfwd=tcp:127.0.0.1:${port}-:22`);
  }

  async #endStray(): Promise<void> {
    const stray = await findStray(this.#spec.id);
    if (stray) await stopQemu(stray, this.#files, 0);
  }

  async #state(): Promise<QemuState | undefined> {
    const state = await readJson<QemuState>(this.#files.state);
    return state && isAlive(state.process) ? state : undefined;
  }

  async #running(): Promise<QemuState> {
    const state = await this.#state();
    if (state) return state;
    throw new BootlaceError("E_MACHINE_STATE", `VM ${this.name} does not run`, {
      hint: `Start it: bootlace up ${this.name}`,
    });
  }
}

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, mkdir, open, readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { BootlaceError } from "../../../stage2/index.ts";
import { abortError, throwIfAborted } from "../../session/abort.ts";
import { connectSsh } from "../../session/connect-ssh.ts";
import type { Session } from "../../session/session.ts";
import type { Captured, Contents, Machine, MachineStatus, NamedValue, Stopped } from "../machine.ts";
import { readJson, removeFolder } from "../machine-folder.ts";
import { assertNoOpenRun, JOURNAL } from "../open-run.ts";
import { isAlive } from "../process-identity.ts";
import { packLayer } from "./layer-file.ts";
import { type SandboxFiles, type SandboxSpec, type SandboxState, storageOf } from "./sandbox-spec.ts";

/** Longer than the supervisor's own patience with a sandbox that will not end; milliseconds. */
const STOP_WITHIN = 20_000;

/** One sandbox, seen from the desk; all it knows is in the machine's folder. */
export class SandboxMachine implements Machine {
  readonly provider = "sandbox";
  readonly rebootWithin = 5_000;
  readonly name: string;
  readonly id: string;
  readonly purpose: Machine["purpose"];
  readonly layers: Machine["layers"];
  readonly console: string;
  readonly #spec: SandboxSpec;
  readonly #files: SandboxFiles;
  readonly #supervisor: readonly string[];

  constructor(spec: SandboxSpec, files: SandboxFiles, supervisor: readonly string[]) {
    this.#spec = spec;
    this.#files = files;
    this.#supervisor = supervisor;
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

  async boot(): Promise<string> {
    return (await this.#running()).boot;
  }

  async session(signal?: AbortSignal): Promise<Session> {
    const { port } = await this.#running();
    const [privateKey, hostKey] = await Promise.all([
      readFile(this.#files.userKey, "utf8"),
      readFile(`${this.#files.hostKey}.pub`, "utf8"),
    ]);
    const target = `sandbox ${this.name}`;
    return connectSsh({ host: "127.0.0.1", port, user: "root", privateKey, hostKeys: [hostKey], target }, signal);
  }

  async start(signal?: AbortSignal): Promise<void> {
    throwIfAborted(signal);
    if (await this.#state()) return;
    await removeFolder(this.#files.state);
    const log = await open(this.#files.log, "a", 0o600);
    const [file = "", ...args] = [...this.#supervisor, this.#files.folder];
    try {
      // Detached: the sandbox outlives the command that started it, and a Ctrl-C meant for that command.
      const child = spawn(file, args, { cwd: "/", detached: true, stdio: ["ignore", log.fd, log.fd, "pipe"] });
      await this.#assertUp(await firstLine(child, signal));
      child.unref();
    } finally {
      await log.close();
    }
  }

  async stop(): Promise<Stopped> {
    const state = await this.#state();
    if (!state) return "in order";
    process.kill(state.supervisor.pid, "SIGTERM");
    const end = performance.now() + STOP_WITHIN;
    while (isAlive(state.supervisor) || isAlive(state.init)) {
      // Its death takes the sandbox along: PID 1 is killed with its parent, and all else with PID 1.
      if (performance.now() > end && isAlive(state.supervisor)) process.kill(state.supervisor.pid, "SIGKILL");
      await sleep(10);
    }
    await removeFolder(this.#files.state);
    return "in order";
  }

  /** The supervisor looks for a file that only a run writes; from outside a sandbox boots again by its stop and start. */
  async reboot(signal?: AbortSignal): Promise<void> {
    await this.stop();
    await this.start(signal);
  }

  async capture(folder: string): Promise<Captured> {
    if ((await this.status()) !== "stopped")
      throw new BootlaceError(
        "E_MACHINE_STATE",
        `Sandbox ${this.name} is ${await this.status()}; only a stopped machine can be captured`,
      );
    const path = this.#upper();
    assertNoOpenRun(await readFile(join(path, JOURNAL), "utf8").catch(() => ""), this.name);
    await mkdir(folder, { recursive: true });
    await chmod(folder, 0o700);
    const layer = await packLayer(path, join(folder, "layer.tar"));
    const { root, rootState } = this.#spec;
    return { layer, parents: this.#spec.layers, origin: { root, rootState } };
  }

  async contents(): Promise<Contents> {
    return { kind: "folder", path: this.#upper() };
  }

  async dispose(): Promise<void> {
    await this.stop();
    await removeFolder(storageOf(this.#spec));
    await removeFolder(this.#files.folder);
  }

  async identity(): Promise<readonly NamedValue[]> {
    const [user, host] = await Promise.all([
      readFile(`${this.#files.userKey}.pub`, "utf8"),
      readFile(`${this.#files.hostKey}.pub`, "utf8"),
    ]);
    const blob = (line: string) => line.split(" ")[1] ?? line;
    return [
      { name: "the build machine's id", value: this.id },
      { name: "the build machine's machine-id", value: this.#spec.machineId },
      { name: "the build's SSH key", value: blob(user) },
      { name: "the build machine's host key", value: blob(host) },
      ...(this.purpose === "build" ? [{ name: "the build machine's host name", value: this.#spec.hostname }] : []),
    ];
  }

  #upper(): string {
    return join(storageOf(this.#spec), "upper");
  }

  async #state(): Promise<SandboxState | undefined> {
    const state = await readJson<SandboxState>(this.#files.state);
    return state && isAlive(state.supervisor) && isAlive(state.init) ? state : undefined;
  }

  async #running(): Promise<SandboxState> {
    const state = await this.#state();
    if (state) return state;
    throw new BootlaceError("E_MACHINE_STATE", `Sandbox ${this.name} does not run`, {
      hint: `Start it: bootlace up ${this.name}`,
    });
  }

  async #assertUp(word: string): Promise<void> {
    if (word === "ready") return;
    const said = word || (await readFile(this.#files.log, "utf8").catch(() => "")).trim().slice(-2000);
    throw new BootlaceError(
      "E_SANDBOX_UNAVAILABLE",
      `Sandbox ${this.name} did not come up: ${said || "it said nothing"}`,
    );
  }
}

/** What the supervisor says first, or "" when it ends without a word. */
async function firstLine(child: ChildProcess, signal: AbortSignal | undefined): Promise<string> {
  const pipe = child.stdio[3] as NodeJS.ReadableStream & { destroy(): void };
  let said = "";
  pipe.on("data", (chunk: Buffer) => {
    said += chunk.toString();
  });
  const failed = new Promise<never>((_resolve, reject) => child.once("error", reject));
  failed.catch(() => {});
  try {
    await Promise.race([once(pipe, "end", signal ? { signal } : {}), failed]);
  } catch (error) {
    child.kill("SIGTERM");
    throw signal?.aborted ? abortError(signal) : error;
  } finally {
    pipe.destroy();
  }
  return said.trim();
}

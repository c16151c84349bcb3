import { BootlaceError } from "../../../stage2/index.ts";
import { becomeRoot, type SudoMemory } from "../../session/become-root.ts";
import { openSsh } from "../../session/open-ssh.ts";
import { runChecked } from "../../session/run-checked.ts";
import type { Session } from "../../session/session.ts";
import type { Captured, Machine } from "../machine.ts";
import { BOOT_ID } from "../run/boot-of.ts";

export interface HostSpec {
  /** As typed: `ops@10.0.0.5`, `10.0.0.5:2222`, `[::1]:22`, a name of ~/.ssh/config. */
  readonly target: string;
  /** User where the target names none; default by the configuration. */
  readonly login?: string;
  /** What it is called, where that is not how it is reached: an instance's id. */
  readonly name?: string;
}

export interface HostAccess {
  /** The project's folder. */
  readonly dir: string;
  /** Fingerprint that the person vouches for: `SHA256:…`. */
  readonly acceptHostKey?: string;
  /** Asks without showing what is typed; undefined in its answer: there is no terminal. */
  readonly askSecret?: (question: string, refused?: string) => Promise<string | undefined>;
}

/** Detached, and a moment later: the answer to the request has to come back before the host goes down. */
const REBOOT = "setsid sh -c 'sleep 1; systemctl reboot || reboot' </dev/null >/dev/null 2>&1 &";

/** A host that exists already and is reached over SSH. It is nobody's to start, stop, capture or remove. */
export function hostMachine(spec: HostSpec, access: HostAccess): Machine {
  return new HostMachine(spec, access);
}

class HostMachine implements Machine {
  readonly provider = "host";
  readonly name: string;
  readonly id: string;
  readonly purpose = "run";
  readonly layers = [];
  readonly console = undefined;
  /** Firmware of servers takes its time. */
  readonly rebootWithin = 15 * 60_000;
  readonly #spec: HostSpec;
  readonly #access: HostAccess;
  readonly #open = new Set<Session>();
  readonly #sudo: SudoMemory = {};

  constructor(spec: HostSpec, access: HostAccess) {
    this.#spec = spec;
    this.#access = access;
    this.name = spec.name ?? spec.target;
    this.id = this.name;
  }

  /** @throws what connecting throws: of a host that does not answer nobody knows whether it runs. */
  async status(): Promise<"running"> {
    await this.boot();
    return "running";
  }

  async boot(signal?: AbortSignal): Promise<string> {
    return (await this.#ask(["sh", "-c", BOOT_ID, "bootlace-boot-id"], signal)).trim();
  }

  async session(signal?: AbortSignal): Promise<Session> {
    const session = await openSsh(this.#spec.target, this.#spec.login, this.#access, signal);
    this.#open.add(session);
    void session.closed.then(() => this.#open.delete(session));
    try {
      return await becomeRoot(session, this.#sudo, this.#access.askSecret, signal);
    } catch (error) {
      await session.close();
      throw error;
    }
  }

  async start(): Promise<void> {
    throw this.#cannot("started");
  }

  async stop(): Promise<never> {
    throw this.#cannot("stopped");
  }

  async reboot(signal?: AbortSignal): Promise<void> {
    await this.#ask(["sh", "-c", REBOOT], signal);
  }

  async capture(): Promise<Captured> {
    throw this.#cannot("captured");
  }

  async contents(): Promise<undefined> {
    return undefined;
  }

  /** Closes what is open; the host stays as it is. */
  async dispose(): Promise<void> {
    await Promise.all([...this.#open].map((session) => session.close()));
  }

  async identity(): Promise<readonly []> {
    return [];
  }

  /** Over a connection of its own: an open one may belong to a boot that is over, and hang. */
  async #ask(argv: readonly string[], signal?: AbortSignal): Promise<string> {
    const session = await this.session(signal);
    try {
      return await runChecked(session, argv, signal ? { signal } : {});
    } finally {
      await session.close();
    }
  }

  #cannot(what: string): BootlaceError {
    return new BootlaceError("E_MACHINE_STATE", `${this.name} is a host that exists already; it cannot be ${what}`, {
      hint: "Machines that Bootlace launched can; `bootlace reboot` works on both.",
    });
  }
}

import type { Session } from "../../session/session.ts";
import type { Machine } from "../machine.ts";

/** The desk's one connection to a machine: opened when first needed, again after it broke, closed once. */
export class Link {
  readonly machine: Machine;
  #session: Session | undefined;

  constructor(machine: Machine) {
    this.machine = machine;
  }

  /** @throws {BootlaceError} what connecting throws. */
  readonly session = async (signal?: AbortSignal): Promise<Session> => {
    if (this.#session) return this.#session;
    const session = await this.machine.session(signal);
    this.#session = session;
    void session.closed.then(() => {
      if (this.#session === session) this.#session = undefined;
    });
    return session;
  };

  async close(): Promise<void> {
    const session = this.#session;
    this.#session = undefined;
    await session?.close();
  }
}

import { abortError, throwIfAborted } from "./abort.ts";

/** Channels of one connection at a time; sshd allows ten by default (MaxSessions of sshd_config(5)). */
const MOST = 8;

interface Waiter {
  go(): void;
  fail(error: Error): void;
}

/** Lets no more channels be open at the same time than the machine allows; the others wait their turn. */
export class ChannelSlots {
  #limit = MOST;
  #taken = 0;
  #over = false;
  readonly #waiting = new Set<Waiter>();

  /** Resolves when there is room, or when there is nothing to wait for any more. @throws an AbortError by the signal. */
  async take(signal?: AbortSignal): Promise<void> {
    throwIfAborted(signal);
    if (this.#taken < this.#limit || this.#over) {
      this.#taken += 1;
      return;
    }
    await new Promise<void>((resolve, reject) => {
      const abort = () => signal && waiter.fail(abortError(signal));
      const leave = () => {
        this.#waiting.delete(waiter);
        signal?.removeEventListener("abort", abort);
      };
      const waiter: Waiter = {
        go: () => {
          leave();
          this.#taken += 1;
          resolve();
        },
        fail: (error) => {
          leave();
          reject(error);
        },
      };
      this.#waiting.add(waiter);
      signal?.addEventListener("abort", abort, { once: true });
    });
  }

  /** One channel has ended. */
  give(): void {
    this.#taken -= 1;
    this.#serve();
  }

  /** The machine refused a channel that was given back already: it allows as many as are open now. False: none is. */
  narrow(): boolean {
    if (this.#taken === 0) return false;
    this.#limit = Math.min(this.#limit, this.#taken);
    return true;
  }

  /** The connection has ended: whoever waits finds that out. */
  end(): void {
    this.#over = true;
    this.#serve();
  }

  #serve(): void {
    for (const waiter of this.#waiting) {
      if (this.#taken >= this.#limit && !this.#over) return;
      waiter.go();
    }
  }
}

import { setTimeout as sleep } from "node:timers/promises";
import { abortError, throwIfAborted } from "./abort.ts";

/** Channels of one connection at a time; sshd allows ten by default (MaxSessions of sshd_config(5)). */
const MOST = 8;
/** Milliseconds until a machine is asked again that refused the only channel, and how often it is. */
const AGAIN_AFTER = 50;
const MOST_ALONE = 100;

interface Waiter {
  go(): void;
  fail(error: Error): void;
}

/** Lets no more channels be open at the same time than the machine allows; the others wait their turn. */
export class ChannelSlots {
  #limit = MOST;
  #taken = 0;
  #over = false;
  #opened = false;
  #refusedAlone = 0;
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

  /**
   * The machine refused the channel that was asked for: it allows as many as are open beside it. Resolves when it may be
   * asked again; false where there is no hope of that.
   */
  async refused(signal?: AbortSignal): Promise<boolean> {
    const others = this.#taken - 1;
    this.#limit = Math.max(1, Math.min(this.#limit, others));
    this.give();
    if (others > 0) return true;
    // A channel that ended here may for a moment not have ended there.
    this.#refusedAlone += 1;
    if (!this.#opened || this.#refusedAlone > MOST_ALONE) return false;
    await sleep(AGAIN_AFTER, undefined, signal ? { signal } : {}).catch(() => throwIfAborted(signal));
    return true;
  }

  /** A channel was opened. */
  opened(): void {
    this.#opened = true;
    this.#refusedAlone = 0;
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

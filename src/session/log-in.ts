import type { Duplex } from "node:stream";
import type { ConnectConfig } from "ssh2";
import ssh2 from "ssh2";
import { abortError, throwIfAborted } from "./abort.ts";
import { SshSession } from "./ssh-session.ts";

/** Milliseconds until a login must be through, where nobody says otherwise. */
const LOGIN_WITHIN = 20_000;

export interface LoginRequest {
  /** For messages. */
  readonly target: string;
  /** Carries the connection; may still be connecting. */
  readonly transport: Duplex;
  /** Ends the transport without the other side's help; default: destroys it. */
  readonly cut?: () => void;
  readonly config: Omit<ConnectConfig, "sock">;
  /** Milliseconds; default 20 s. */
  readonly within?: number | undefined;
  /** What makes the clock stand still, while a person is typing. */
  readonly clock?: LoginClock;
  readonly signal?: AbortSignal | undefined;
}

/** A deadline that waits for people. */
export class LoginClock {
  #expire: (() => void) | undefined;
  #timer: NodeJS.Timeout | undefined;
  #within = 0;

  start(within: number, expire: () => void): void {
    this.#within = within;
    this.#expire = expire;
    this.resume();
  }

  /** Runs a question to a person; the deadline begins anew after it. */
  async pause<T>(question: () => Promise<T>): Promise<T> {
    clearTimeout(this.#timer);
    try {
      return await question();
    } finally {
      this.resume();
    }
  }

  resume(): void {
    if (this.#expire) this.#timer = setTimeout(this.#expire, this.#within);
  }

  stop(): void {
    this.#expire = undefined;
    clearTimeout(this.#timer);
  }
}

/**
 * Logs in over a transport, with keep-alive (15 s, three misses, unless the request says otherwise).
 *
 * @throws the transport's or ssh2's error as it is; the caller knows what to make of it. An AbortError by the signal.
 */
export async function logIn(request: LoginRequest): Promise<SshSession> {
  const { transport, signal, target, clock = new LoginClock() } = request;
  throwIfAborted(signal);
  const client = new ssh2.Client();
  const within = request.within ?? LOGIN_WITHIN;
  let abort: () => void = () => {};
  try {
    await new Promise<void>((resolve, reject) => {
      const fail = (error: Error & { level?: string }) => {
        // One key that could not sign; the others are tried.
        if (error.level === "agent") return;
        reject(error);
      };
      abort = () => signal && reject(abortError(signal));
      signal?.addEventListener("abort", abort, { once: true });
      clock.start(within, () => reject(new Error(`there was no login within ${within / 1000} s`)));
      client.on("error", fail);
      client.once("close", () => fail(new Error("the connection was closed during login")));
      client.once("ready", () => resolve());
      client.connect({
        keepaliveInterval: 15_000,
        keepaliveCountMax: 3,
        ...request.config,
        sock: transport as NonNullable<ConnectConfig["sock"]>,
        readyTimeout: 0,
      });
    });
  } catch (error) {
    client.destroy();
    transport.destroy();
    throw error;
  } finally {
    clock.stop();
    signal?.removeEventListener("abort", abort);
  }
  return new SshSession(client, target, request.cut ?? (() => transport.destroy()));
}

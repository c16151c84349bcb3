import { timingSafeEqual } from "node:crypto";
import { constants } from "node:os";
import type { Client, ClientChannel } from "ssh2";
import { BootlaceError } from "../../stage2/index.ts";
import { abortError, throwIfAborted } from "./abort.ts";
import { collect, feeding } from "./channel-io.ts";
import { ChannelSlots } from "./channel-slots.ts";
import { quoteArgv } from "./quote.ts";
import type { ExecOptions, ExecResult, Session, ShellOptions } from "./session.ts";
import { shareTerminal, wantsTerminal } from "./terminal.ts";

type ChannelCallback = (error: Error | undefined, channel: ClientChannel) => void;

/** Milliseconds that a machine has to take leave. */
const FAREWELL = 2000;

/** A session over one SSH connection that is already open and whose host key is verified. */
export class SshSession implements Session {
  readonly target: string;
  readonly closed: Promise<void>;
  readonly #client: Client;
  readonly #cut: () => void;
  readonly #slots = new ChannelSlots();
  #lost: Error | undefined;
  #ended = false;

  /** @param cut ends the connection without the other side's help. */
  constructor(client: Client, target: string, cut: () => void) {
    this.#client = client;
    this.#cut = cut;
    this.target = target;
    client.on("error", (error) => {
      this.#lost = error;
    });
    this.closed = new Promise((resolve) => {
      client.once("close", () => {
        this.#ended = true;
        this.#slots.end();
        resolve();
      });
    });
  }

  exec(argv: readonly string[], options: ExecOptions = {}): Promise<ExecResult> {
    return this.#run((done) => this.#client.exec(quoteArgv(argv), done), options);
  }

  async #run(start: (done: ChannelCallback) => void, options: ExecOptions): Promise<ExecResult> {
    throwIfAborted(options.signal);
    const fed = feeding(options.stdin);
    // What was to be sent could not be had: that is the reason, and not what became of the channel then.
    let tooMuch: BootlaceError | undefined;
    const because = (error: unknown): never => {
      throw fed.error ?? tooMuch ?? error;
    };
    const run = await this.#open(
      start,
      (channel) => {
        const over = ({ message }: BootlaceError) => {
          tooMuch ??= new BootlaceError("E_REMOTE_COMMAND", `${this.target}: ${message}`);
          channel.close();
        };
        const stdout = collect(channel, options.stdout, over);
        const stderr = collect(channel.stderr, options.stderr, over);
        fed.into(channel);
        return { stdout, stderr, exit: this.#end(channel, options.signal) };
      },
      options.signal,
    ).catch(because);
    const exit = await run.exit.catch(because);
    if (fed.error) throw fed.error;
    if (tooMuch) throw tooMuch;
    return { exit, stdout: await run.stdout, stderr: await run.stderr };
  }

  async shell(options: ShellOptions): Promise<number> {
    const { argv, stdin, stdout, stderr = stdout, signal } = options;
    if (!wantsTerminal(options)) {
      const streams = { stdin, stdout, stderr, ...(signal && { signal }) };
      const piped = argv ? this.exec(argv, streams) : this.#run((done) => this.#client.shell(false, done), streams);
      // What nobody reads any more must not keep the process.
      return (await piped.finally(() => stdin.unpipe().pause())).exit;
    }
    const size = { term: process.env.TERM ?? "xterm", cols: stdout.columns ?? 80, rows: stdout.rows ?? 24 };
    const run = await this.#open(
      (done) =>
        argv === undefined ? this.#client.shell(size, done) : this.#client.exec(quoteArgv(argv), { pty: size }, done),
      (channel) => ({ release: shareTerminal(channel, options), exit: this.#end(channel, options.signal) }),
      options.signal,
    );
    return run.exit.finally(run.release);
  }

  /**
   * Opens a TCP connection from the machine to another host (RFC 4254, 7.2); for jump hosts.
   *
   * @throws {Error} with the machine's reason.
   */
  tunnel(host: string, port: number): Promise<ClientChannel> {
    return new Promise((resolve, reject) => {
      this.#client.forwardOut("127.0.0.1", 0, host, port, (error, channel) =>
        error ? reject(error) : resolve(channel),
      );
    });
  }

  async close(): Promise<void> {
    if (this.#ended) return;
    this.#client.end();
    // A machine that is out of reach never answers the farewell.
    const timer = setTimeout(this.#cut, FAREWELL);
    await this.closed;
    clearTimeout(timer);
  }

  /** Opens a channel when there is room for one; a machine that allows fewer than expected is asked again later. */
  async #open<T>(
    start: (done: ChannelCallback) => void,
    attach: (channel: ClientChannel) => T,
    signal: AbortSignal | undefined,
  ): Promise<T> {
    for (;;) {
      await this.#slots.take(signal);
      try {
        return await this.#openNow(start, (channel) => {
          this.#slots.opened();
          channel.once("close", () => this.#slots.give());
          return attach(channel);
        });
      } catch (error) {
        const refused = !this.#ended && isRefusedChannel(error);
        if (refused && (await this.#slots.refused(signal))) continue;
        if (!refused) this.#slots.give();
        throw this.#lostError(error);
      }
    }
  }

  /**
   * `attach` runs in the very callback: a quick command's exit may stand in the packet that confirms the channel, and
   * an await in between would miss it.
   */
  #openNow<T>(start: (done: ChannelCallback) => void, attach: (channel: ClientChannel) => T): Promise<T> {
    return new Promise((resolve, reject) => {
      if (this.#ended) {
        reject(this.#lost);
        return;
      }
      const onClose = () => reject(this.#lost);
      this.#client.once("close", onClose);
      try {
        start((error, channel) => {
          this.#client.off("close", onClose);
          if (error) reject(error);
          else resolve(attach(channel));
        });
      } catch (error) {
        reject(error);
      }
    });
  }

  #end(channel: ClientChannel, signal: AbortSignal | undefined): Promise<number> {
    return new Promise((resolve, reject) => {
      let exit: number | undefined;
      const abort = () => {
        // An SSH server may not know the signal request (OpenSSH before 7.9): closing the channel hangs up in any case.
        channel.signal("TERM");
        channel.close();
        if (signal) reject(abortError(signal));
      };
      // A signal that was given while the channel was being opened calls no listener any more.
      if (signal?.aborted) abort();
      signal?.addEventListener("abort", abort, { once: true });
      channel.on("exit", (code: number | null, name?: string) => {
        exit = code ?? 128 + signalNumber(name ?? "");
      });
      channel.once("close", () => {
        signal?.removeEventListener("abort", abort);
        if (exit === undefined) reject(this.#lostError());
        else resolve(exit);
      });
    });
  }

  #lostError(cause?: unknown): BootlaceError {
    const why = cause ?? this.#lost;
    return new BootlaceError(
      "E_SESSION_LOST",
      `${this.target}: the connection broke${why instanceof Error ? `: ${why.message}` : ""}`,
      {
        cause: why,
      },
    );
  }
}

/** Exact comparison with keys that are known; a key that merely looks plausible is refused. */
export function isKnownHostKey(shown: Buffer, known: readonly Buffer[]): boolean {
  return known.some((key) => key.length === shown.length && timingSafeEqual(key, shown));
}

function signalNumber(name: string): number {
  return constants.signals[`SIG${name.replace(/^SIG/, "")}` as NodeJS.Signals] ?? 0;
}

/** ssh2 gives the reason of CHANNEL_OPEN_FAILURE (RFC 4254, 5.1); other errors have none. */
function isRefusedChannel(error: unknown): boolean {
  return error instanceof Error && "reason" in error && typeof error.reason === "number";
}

import { randomBytes } from "node:crypto";
import { Readable } from "node:stream";
import { endByToken } from "./end-by-token.ts";
import type { Hidden } from "./hidden.ts";
import type { ExecOptions, ExecResult, Session, ShellOptions } from "./session.ts";
import { wantsTerminal } from "./terminal.ts";

/**
 * Passes over lines up to the marker in $0, then is the command. sudo reads its password by single bytes to the end of
 * the line, but does not read it at all where sudoers has NOPASSWD for just this: the command must not get it then.
 * `read` reads single bytes too, from what cannot seek, so what follows reaches the command as it was sent.
 */
const AFTER_MARKER = 'while IFS= read -r line && [ "$line" != "$0" ]; do :; done; exec "$@"';

/** A session whose commands run as root by sudo(8). */
export class SudoSession implements Session {
  readonly target: string;
  readonly closed: Promise<void>;
  readonly #inner: Session;
  readonly #password: Hidden | undefined;

  /** @param password undefined where sudo wants none. */
  constructor(inner: Session, password: Hidden | undefined) {
    this.#inner = inner;
    this.#password = password;
    this.target = inner.target;
    this.closed = inner.closed;
  }

  async exec(argv: readonly string[], options: ExecOptions = {}): Promise<ExecResult> {
    const id = randomBytes(8).toString("hex");
    try {
      return await this.#run(`bootlace-${id}`, argv, options);
    } catch (error) {
      // The login user may not signal root's processes, so another of root's ends what was begun.
      if (options.signal?.aborted) await this.#run("bootlace-end", endByToken(id), {}).catch(() => {});
      throw error;
    }
  }

  async shell(options: ShellOptions): Promise<number> {
    const { argv, stdin, stdout, stderr = stdout, signal } = options;
    if (argv && !wantsTerminal(options)) {
      const ran = this.exec(argv, { stdin, stdout, stderr, ...(signal && { signal }) });
      return (await ran.finally(() => stdin.unpipe().pause())).exit;
    }
    // sudo asks on the person's own terminal here. Without a command it is the login user's shell, as with ssh(1).
    return this.#inner.shell(argv ? { ...options, argv: ["sudo", "-H", "--", ...argv] } : options);
  }

  close(): Promise<void> {
    return this.#inner.close();
  }

  #run(token: string, argv: readonly string[], options: ExecOptions): Promise<ExecResult> {
    const password = this.#password;
    if (!password)
      return this.#inner.exec(["sudo", "-n", "-H", "--", "/bin/sh", "-c", 'exec "$@"', token, ...argv], options);
    const command = ["sudo", "-k", "-S", "-H", "-p", "", "--", "/bin/sh", "-c", AFTER_MARKER, token, ...argv];
    const head = Buffer.from(`${password.reveal()}\n${token}\n`);
    return this.#inner.exec(command, { ...options, stdin: withHead(head, options.stdin) });
  }
}

/** What goes before, then what was to be sent, no faster than it is taken. */
function withHead(head: Buffer, stdin: ExecOptions["stdin"]): Readable | Buffer {
  if (!(stdin instanceof Readable))
    return stdin === undefined ? head : Buffer.concat([head, Buffer.from(stdin as Uint8Array)]);
  // Its failure is the generator's to tell, once it is read.
  stdin.on("error", () => {});
  return Readable.from(
    (async function* () {
      yield head;
      yield* stdin;
    })(),
    { objectMode: false },
  );
}

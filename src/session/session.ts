import type { Readable } from "node:stream";

/** What an open session to a machine can do, whatever carries it. */
export interface Session {
  /** For messages: `sandbox dev`, `admin@10.0.0.5`. */
  readonly target: string;
  /**
   * Runs a command and waits for its end. A failing command is a result, not an exception.
   *
   * @throws {BootlaceError} `E_SESSION_LOST` when the connection breaks before the end is known.
   */
  exec(argv: readonly string[], options?: ExecOptions): Promise<ExecResult>;
  /**
   * Gives the person's terminal to a program on the machine; resolves with its exit code. Where stdin is no terminal the
   * program gets none either: it reads what is piped to it, up to its end.
   */
  shell(options: ShellOptions): Promise<number>;
  /** Resolves once, when the connection has ended for whatever reason. */
  readonly closed: Promise<void>;
  close(): Promise<void>;
}

export interface ExecOptions {
  /** Streams are read no faster than the machine takes them. */
  readonly stdin?: Readable | Uint8Array | string;
  /** Gets the output as it comes; without it the output is in the result. Waited for where `write` says so. */
  readonly stdout?: NodeJS.WritableStream;
  readonly stderr?: NodeJS.WritableStream;
  /** Ends the command (TERM) and rejects with the signal's reason. */
  readonly signal?: AbortSignal;
}

export interface ExecResult {
  /** Exit code, or 128 + the signal's number where the command was killed. */
  readonly exit: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface ShellOptions {
  /** Undefined: the login shell. */
  readonly argv?: readonly string[];
  readonly stdin: NodeJS.ReadStream;
  readonly stdout: NodeJS.WriteStream;
  /** Where there is no terminal; default: `stdout`. */
  readonly stderr?: NodeJS.WritableStream;
  readonly signal?: AbortSignal;
}

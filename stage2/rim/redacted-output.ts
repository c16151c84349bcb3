import { spawn, spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import {
  appendFileSync,
  chownSync,
  closeSync,
  constants,
  mkdirSync,
  openSync,
  readSync,
  rmSync,
  writeSync,
} from "node:fs";
import { Socket } from "node:net";
import { dirname } from "node:path";
import { Redactor } from "../execute/redact.ts";

export interface RedactedOptions {
  readonly secrets: readonly Uint8Array[];
  /** Whom the script runs as: it may open /dev/stderr. */
  readonly owner: { readonly uid: number; readonly gid: number };
  /** Told once when the log cannot be written. */
  readonly onLost: (why: string) => void;
}

/**
 * A FIFO whose content goes into a log file with secrets masked. A FIFO, not one of Node's pipes: those are sockets,
 * and a script that opens /dev/stderr fails on a socket.
 */
export class RedactedOutput {
  readonly path: string;
  private readonly fd: number;
  private readonly socket: Socket;
  private readonly redactor: Redactor;
  private readonly marker = Buffer.from(`\0${randomBytes(16).toString("hex")}\0`);
  private readonly log: string;
  private readonly onLost: (why: string) => void;
  private lost = false;
  private held = Buffer.alloc(0);
  private drained: (() => void) | undefined;

  /** @param path where the FIFO is made, on a tmpfs. @param log the file that takes the masked output. */
  constructor(path: string, log: string, { secrets, owner, onLost }: RedactedOptions) {
    this.path = path;
    this.log = log;
    this.onLost = onLost;
    this.redactor = new Redactor(secrets);
    mkdirSync(dirname(path), { recursive: true, mode: 0o711 });
    rmSync(path, { force: true });
    const made = spawnSync("mkfifo", ["-m", "600", path], { env: { PATH: "/usr/bin:/bin" }, encoding: "utf8" });
    if (made.status !== 0) throw new Error(`mkfifo ${path}: ${made.stderr || made.error?.message}`);
    if (owner.uid !== process.getuid?.()) chownSync(path, owner.uid, owner.gid);
    // Open for both: there is never an end of file while scripts come and go.
    this.fd = openSync(path, constants.O_RDWR | constants.O_NONBLOCK);
    this.socket = new Socket({ fd: this.fd, readable: true, writable: false });
    this.socket.on("data", (chunk: Buffer) => this.take(chunk));
  }

  /**
   * Takes the rest and closes. A daemon that still writes into the FIFO gets a reader that throws its output away: it
   * could not be masked any more, and without a reader the daemon would die.
   */
  async close(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.drained = resolve;
      this.mark();
    });
    this.write(Buffer.concat([this.redactor.push(this.held), this.redactor.end()]));
    const reader = openSync(this.path, constants.O_RDONLY | constants.O_NONBLOCK);
    this.socket.destroy();
    await new Promise((resolve) => this.socket.once("close", resolve));
    if (hasWriter(reader)) await keepReading(this.path);
    closeSync(reader);
    rmSync(this.path, { force: true });
  }

  /** Writes the marker behind everything; a full FIFO is being emptied meanwhile. */
  private mark(): void {
    const fd = openSync(this.path, constants.O_WRONLY | constants.O_NONBLOCK);
    try {
      writeSync(fd, this.marker);
    } catch {
      setImmediate(() => this.mark());
    } finally {
      closeSync(fd);
    }
  }

  private take(chunk: Buffer): void {
    const bytes = Buffer.concat([this.held, chunk]);
    const at = bytes.indexOf(this.marker);
    // The marker may come in two pieces: its length is held back.
    const show = at >= 0 ? at : Math.max(0, bytes.length - this.marker.length);
    this.held = Buffer.from(bytes.subarray(at >= 0 ? at + this.marker.length : show));
    this.write(this.redactor.push(bytes.subarray(0, show)));
    if (at >= 0) this.drained?.();
  }

  private write(bytes: Buffer): void {
    if (this.lost) return;
    try {
      appendFileSync(this.log, bytes, { mode: 0o600 });
    } catch (error) {
      this.lost = true;
      this.onLost(error instanceof Error ? error.message : String(error));
    }
  }
}

/** A FIFO without a writer is at its end; with one it has nothing to read for now. */
function hasWriter(reader: number): boolean {
  try {
    return readSync(reader, Buffer.alloc(65536)) > 0;
  } catch {
    return true;
  }
}

/**
 * Starts a reader that lives as long as the writers, and waits until it has the FIFO open. It does not keep descriptor
 * 9, the lock that stage1 has handed on.
 */
function keepReading(path: string): Promise<void> {
  const child = spawn("/bin/sh", ["-c", 'exec 9>&- <"$1"; echo; exec cat >/dev/null', "sh", path], {
    stdio: ["ignore", "pipe", "ignore"],
    detached: true,
    env: { PATH: "/usr/bin:/bin" },
  });
  child.unref();
  return new Promise((resolve) => {
    const go = (): void => {
      child.stdout.destroy();
      resolve();
    };
    child.stdout.once("data", go);
    child.once("error", go);
    child.once("exit", go);
  });
}

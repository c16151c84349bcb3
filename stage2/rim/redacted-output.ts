import { spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { appendFileSync, closeSync, constants, mkdirSync, openSync, rmSync, writeSync } from "node:fs";
import { Socket } from "node:net";
import { dirname } from "node:path";
import { Redactor } from "../execute/redact.ts";

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
  private held = Buffer.alloc(0);
  private finished: (() => void) | undefined;

  /** @param path where the FIFO is made, on a tmpfs. @param log the file that takes the masked output. */
  constructor(path: string, log: string, secrets: readonly string[]) {
    this.path = path;
    this.log = log;
    this.redactor = new Redactor(secrets);
    mkdirSync(dirname(path), { recursive: true, mode: 0o711 });
    rmSync(path, { force: true });
    const made = spawnSync("mkfifo", ["-m", "600", path], { env: { PATH: "/usr/bin:/bin" }, encoding: "utf8" });
    if (made.status !== 0) throw new Error(`mkfifo ${path}: ${made.stderr || made.error?.message}`);
    // Open for both: there is never an end of file while scripts come and go.
    this.fd = openSync(path, constants.O_RDWR | constants.O_NONBLOCK);
    this.socket = new Socket({ fd: this.fd, readable: true, writable: false });
    this.socket.on("data", (chunk: Buffer) => this.take(chunk));
  }

  /** Waits until all that was written before has been taken. */
  drain(): Promise<void> {
    return new Promise((resolve) => {
      this.finished = resolve;
      this.mark();
    });
  }

  close(): void {
    appendFileSync(this.log, Buffer.concat([this.redactor.push(this.held), this.redactor.end()]));
    this.socket.destroy();
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
    appendFileSync(this.log, this.redactor.push(bytes.subarray(0, show)));
    if (at < 0) return;
    appendFileSync(this.log, this.redactor.end());
    this.finished?.();
  }
}

import { closeSync, fchownSync, fstatSync, openSync, readSync, unlinkSync } from "node:fs";
import { StringDecoder } from "node:string_decoder";

/** How much of a script's output goes into events; the log file has it whole. */
export const EVENT_LIMIT = 64 * 1024;
const chunk = Buffer.allocUnsafe(EVENT_LIMIT);
const TAIL = 2048;

/** Reads a growing log file in pieces: memory stays flat however much a script prints. */
export class LogFollower {
  readonly path: string;
  private readonly fd: number;
  private readonly onText: (text: string) => void;
  private readonly onCapped: () => void;
  private readonly decoder = new StringDecoder("utf8");
  private readonly from: number;
  private offset: number;
  private line = "";
  private capped = false;

  /** Makes the file; what an earlier try wrote stays before. */
  constructor(path: string, onText: (text: string) => void, onCapped: () => void) {
    this.path = path;
    this.onText = onText;
    this.onCapped = onCapped;
    this.fd = openSync(path, "a+", 0o600);
    this.from = fstatSync(this.fd).size;
    this.offset = this.from;
  }

  /** A script of another user may open /dev/stderr, which is this file: it has to be theirs. */
  giveTo(user: { readonly uid: number; readonly gid: number }): void {
    if (user.uid !== process.getuid?.()) fchownSync(this.fd, user.uid, user.gid);
  }

  /** Hands on what was written since, in whole lines. */
  poll(): void {
    while (!this.capped) {
      const room = EVENT_LIMIT - (this.offset - this.from);
      const count = readSync(this.fd, chunk, 0, room, this.offset);
      if (count === 0) return;
      this.offset += count;
      const text = this.line + this.decoder.write(chunk.subarray(0, count));
      const end = text.lastIndexOf("\n") + 1;
      this.line = text.slice(end);
      if (end > 0) this.onText(text.slice(0, end));
      if (this.offset - this.from >= EVENT_LIMIT && fstatSync(this.fd).size > this.offset) {
        this.capped = true;
        this.flush();
        this.onCapped();
      }
    }
  }

  /** The last lines, at most 2 KiB. */
  tail(): string {
    const { size } = fstatSync(this.fd);
    const start = Math.max(this.from, size - TAIL);
    const bytes = Buffer.alloc(size - start);
    readSync(this.fd, bytes, 0, bytes.length, start);
    const text = bytes.toString("utf8");
    return start > this.from ? text.slice(text.indexOf("\n") + 1) : text;
  }

  /** Reads the rest and closes; a log in which nothing was ever written is removed. */
  close(): void {
    this.poll();
    this.flush();
    const { size } = fstatSync(this.fd);
    closeSync(this.fd);
    if (size === 0) unlinkSync(this.path);
  }

  private flush(): void {
    const rest = this.line + this.decoder.end();
    this.line = "";
    if (rest !== "") this.onText(rest);
  }
}

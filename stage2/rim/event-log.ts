import { closeSync, openSync, writeSync } from "node:fs";
import type { Event } from "../types/event.ts";

/** `events.jsonl` of a run: written once a turn of the event loop, so that many small events cost one write. */
export class EventLog {
  private fd: number | undefined;
  private lines: string[] = [];
  private readonly onLost: (why: string) => void;

  /** @param onLost told once when the file cannot be written: the run goes on without it. */
  constructor(path: string, onLost: (why: string) => void) {
    this.onLost = onLost;
    this.fd = openSync(path, "a", 0o600);
  }

  add(event: Event): void {
    if (this.lines.length === 0) setImmediate(() => this.flush());
    this.lines.push(JSON.stringify(event));
  }

  close(): void {
    this.flush();
    if (this.fd !== undefined) closeSync(this.fd);
    this.fd = undefined;
  }

  private flush(): void {
    if (this.fd === undefined || this.lines.length === 0) return;
    const bytes = Buffer.from(`${this.lines.splice(0).join("\n")}\n`);
    try {
      for (let done = 0; done < bytes.length; ) done += writeSync(this.fd, bytes, done);
    } catch (error) {
      closeSync(this.fd);
      this.fd = undefined;
      this.onLost(error instanceof Error ? error.message : String(error));
    }
  }
}

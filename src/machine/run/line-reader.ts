import { Writable } from "node:stream";
import { BootlaceError } from "../../../stage2/index.ts";

/** Most that a line may have, in bytes. Runners write far less: the plan of a large project is the longest. */
export const LONGEST_LINE = 8 * 1024 * 1024;

/**
 * Cuts a stream of bytes into lines and knows how far whole lines reach. It fails with `E_RUN_RUBBISH` on a line longer
 * than {@link LONGEST_LINE}, and with whatever the reader of a line throws; somebody has to listen for `error`.
 */
export class LineReader extends Writable {
  /** Bytes of whole lines that were read, the newline included. */
  consumed = 0;
  /** Of a line whose end has not come; joined once it has. */
  #parts: Buffer[] = [];
  #bytes = 0;
  readonly #onLine: (line: string) => void;

  constructor(onLine: (line: string) => void) {
    super();
    this.#onLine = onLine;
  }

  override _write(chunk: Buffer, _encoding: string, done: (error?: Error | null) => void): void {
    try {
      let begin = 0;
      for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10, begin)) {
        this.#keep(chunk.subarray(begin, end));
        begin = end + 1;
        this.#tell();
      }
      this.#keep(chunk.subarray(begin));
    } catch (error) {
      done(error instanceof Error ? error : new Error(String(error)));
      return;
    }
    done();
  }

  #keep(part: Buffer): void {
    if (part.length === 0) return;
    this.#bytes += part.length;
    if (this.#bytes > LONGEST_LINE)
      throw new BootlaceError(
        "E_RUN_RUBBISH",
        `A run told a line of more than ${LONGEST_LINE} bytes, after ${this.consumed} bytes of whole lines`,
      );
    this.#parts.push(part);
  }

  #tell(): void {
    const line = Buffer.concat(this.#parts).toString();
    this.consumed += this.#bytes + 1;
    this.#parts = [];
    this.#bytes = 0;
    this.#onLine(line);
  }
}

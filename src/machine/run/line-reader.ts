import { Writable } from "node:stream";

/** Cuts a stream of bytes into lines and knows how far whole lines reach. */
export class LineReader extends Writable {
  /** Bytes of whole lines that were read, the newline included. */
  consumed = 0;
  #rest: Buffer = Buffer.alloc(0);
  readonly #onLine: (line: string) => void;

  constructor(onLine: (line: string) => void) {
    super();
    this.#onLine = onLine;
  }

  override _write(chunk: Buffer, _encoding: string, done: (error?: Error | null) => void): void {
    let bytes = this.#rest.length > 0 ? Buffer.concat([this.#rest, chunk]) : chunk;
    try {
      for (let end = bytes.indexOf(10); end >= 0; end = bytes.indexOf(10)) {
        this.consumed += end + 1;
        this.#onLine(bytes.subarray(0, end).toString());
        bytes = bytes.subarray(end + 1);
      }
    } catch (error) {
      done(error instanceof Error ? error : new Error(String(error)));
      return;
    }
    this.#rest = bytes;
    done();
  }
}

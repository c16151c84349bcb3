import { BootlaceError } from "../../stage2/index.ts";
import { checkBlob } from "./check-blob.ts";
import { type BlobRef, blobKey, type Store } from "./store.ts";

/** Machines read at most this much of a pointer, docs/store.md. */
const POINTER_BYTES = 8192;
const TIMEOUT_MS = 60_000;

/** A store behind a web server: what machines can read. Publishing goes to the folder or bucket behind it. */
export class HttpStore implements Store {
  readonly url: string;

  /** @param url `http://` or `https://`, without a slash at its end. */
  constructor(url: string) {
    this.url = url;
  }

  async has(blob: BlobRef): Promise<boolean> {
    const answer = await this.ask("HEAD", blobKey(blob));
    return answer !== undefined && Number(answer.headers.get("content-length")) === blob.bytes;
  }

  async put(): Promise<never> {
    throw this.readOnly();
  }

  async get(blob: BlobRef): Promise<Buffer | undefined> {
    const answer = await this.ask("GET", blobKey(blob));
    return answer && checkBlob(blob, await this.body(answer, blob.bytes), this.url);
  }

  async readChannel(name: string): Promise<string | undefined> {
    const answer = await this.ask("GET", `channels/${name}`);
    return answer && (await this.body(answer, POINTER_BYTES)).toString("latin1");
  }

  async moveChannel(): Promise<never> {
    throw this.readOnly();
  }

  async history(name: string): Promise<readonly string[]> {
    const current = await this.readChannel(name);
    return current === undefined ? [] : [current];
  }

  private readOnly(): BootlaceError {
    return new BootlaceError("E_STORE_READONLY", `${this.url} can be read but not written`);
  }

  private async ask(method: "GET" | "HEAD", key: string): Promise<Response | undefined> {
    const address = `${this.url}/${key}`;
    let answer: Response;
    try {
      answer = await fetch(address, { method, signal: AbortSignal.timeout(TIMEOUT_MS) });
    } catch (error) {
      throw this.failed(address, error);
    }
    if (answer.ok) return answer;
    await answer.body?.cancel();
    if (answer.status === 404 || answer.status === 410) return undefined;
    // A bucket that nobody may list answers 403 for what is missing.
    const both = answer.status === 403 ? ": it may not be read, or it is not there" : "";
    throw new BootlaceError("E_STORE_UNREACHABLE", `${address} answered HTTP ${answer.status}${both}`);
  }

  /** Reads one byte more than allowed at most, whatever the server sends. */
  private async body(answer: Response, limit: number): Promise<Buffer> {
    const parts: Uint8Array[] = [];
    let bytes = 0;
    try {
      for await (const part of answer.body ?? []) {
        parts.push(part);
        bytes += part.length;
        if (bytes > limit) break;
      }
    } catch (error) {
      throw this.failed(answer.url, error);
    }
    if (bytes > limit) {
      throw new BootlaceError("E_STORE_DAMAGED", `${answer.url} is longer than the ${limit} bytes expected`);
    }
    return Buffer.concat(parts);
  }

  private failed(address: string, error: unknown): BootlaceError {
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
    return new BootlaceError(
      "E_STORE_UNREACHABLE",
      `${address} did not answer: ${cause instanceof Error ? cause.message : String(cause)}`,
      { cause: error },
    );
  }
}

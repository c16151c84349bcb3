import type { ServerResponse } from "node:http";

/** What goes wrong. Bodies are those of GETs; everything else is as it should be. */
export type Fault =
  /** An error document: 500 InternalError, 503 SlowDown, or what is named. */
  | { readonly kind: "status"; readonly status: number; readonly code?: string; readonly headers?: Headers }
  /** "You are at the wrong region": 301 PermanentRedirect, 307 TemporaryRedirect or 400 AuthorizationHeaderMalformed. */
  | { readonly kind: "redirect"; readonly region: string; readonly status: 301 | 307 | 400; readonly location?: string }
  /** Content-Length as it should be, then only so many bytes and an orderly end of the connection. */
  | { readonly kind: "truncate"; readonly after: number }
  /** So many bytes, then a reset of the connection. 0: before the head of the answer. */
  | { readonly kind: "reset"; readonly after: number }
  /** So many bytes, then nothing until the test opens the gate. */
  | { readonly kind: "gate"; readonly after: number; readonly open: Promise<void> }
  /** The request has come; nothing is done about it until the test opens the gate. */
  | { readonly kind: "hold"; readonly open: (target: string) => Promise<void> }
  /** Content-Length is told wrong by so much. */
  | { readonly kind: "length"; readonly by: number }
  /** The bytes of another key. */
  | { readonly kind: "swap"; readonly key: string }
  /** Other bytes: an old pointer, one with another's signature, a flipped bit. */
  | { readonly kind: "change"; readonly body: (right: Buffer) => Buffer }
  /** Never ends. */
  | { readonly kind: "endless" }
  /** Takes the request and never answers. */
  | { readonly kind: "silent" }
  /** Does what a PUT asked for, then resets the connection before the answer; what `meanwhile` does happens in between. */
  | { readonly kind: "mute"; readonly meanwhile?: () => void };

type Headers = Readonly<Record<string, string>>;

/** A fault, and for which requests. */
export interface Misbehaviour {
  readonly fault: Fault;
  /** As in the bucket, prefix included; without it every key. */
  readonly key?: RegExp;
  readonly method?: string;
  /** For how many requests; default 1. */
  readonly times?: number;
}

/** The switched-on rules of one server; the oldest that fits a request is used up first. */
export class Misbehaviours {
  private rules: { rule: Misbehaviour; left: number }[] = [];

  add(rule: Misbehaviour): void {
    this.rules.push({ rule, left: rule.times ?? 1 });
  }

  clear(): void {
    this.rules = [];
  }

  take(method: string, key: string): Fault | undefined {
    const found = this.rules.find(
      ({ rule, left }) =>
        left > 0 && (rule.method === undefined || rule.method === method) && (rule.key?.test(key) ?? true),
    );
    if (!found) return undefined;
    found.left -= 1;
    return found.rule.fault;
  }
}

/** Sends the body of a GET, right or with one of the faults that are in bodies. Resolves with the bytes sent. */
export async function sendBody(
  response: ServerResponse,
  status: number,
  headers: Headers,
  body: Buffer,
  fault: Fault | undefined,
): Promise<number> {
  const head = (length: number | undefined): void =>
    void response.writeHead(status, length === undefined ? headers : { ...headers, "content-length": `${length}` });
  const part = (bytes: Buffer): Promise<void> => new Promise((resolve) => response.write(bytes, () => resolve()));
  switch (fault?.kind) {
    case "truncate":
      head(body.length);
      await part(body.subarray(0, fault.after));
      response.socket?.end();
      return Math.min(fault.after, body.length);
    case "reset":
      if (fault.after > 0) {
        head(body.length);
        await part(body.subarray(0, fault.after));
      }
      response.socket?.resetAndDestroy();
      return Math.min(fault.after, body.length);
    case "gate":
      head(body.length);
      response.flushHeaders();
      if (fault.after > 0) await part(body.subarray(0, fault.after));
      await fault.open;
      response.end(body.subarray(fault.after));
      return body.length;
    case "length":
      head(body.length + fault.by);
      response.write(body.subarray(0, Math.max(0, body.length + fault.by)));
      // More was promised than comes, or less: either way the connection is of no more use.
      response.socket?.end();
      return body.length;
    case "endless": {
      head(undefined);
      const block = Buffer.alloc(64 * 1024, "x");
      const closed = new Promise<void>((resolve) => response.once("close", () => resolve()));
      let sent = 0;
      while (!response.destroyed) {
        await Promise.race([part(block), closed]);
        sent += block.length;
      }
      return sent;
    }
    default:
      head(body.length);
      response.end(body);
      return body.length;
  }
}

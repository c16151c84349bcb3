import { mkdirSync, readFileSync } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer, globalAgent } from "node:https";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { certify } from "./certificates.ts";

export interface HttpsFiles {
  /** `https://localhost:PORT` */
  readonly url: string;
  /** By path, `/x`. */
  readonly files: Map<string, Buffer>;
  /** `GET /x bytes=5-` in the order they came. */
  readonly asked: string[];
  /** Answers the next requests in place of the files, one each. */
  readonly instead: ((request: IncomingMessage, response: ServerResponse) => void)[];
  /** File with the authority's certificate. */
  readonly authority: string;
}

/** Files behind https on loopback, with ranges and ETags; this process trusts it until the test ends. */
export async function serveHttps(folder: string): Promise<HttpsFiles> {
  mkdirSync(join(folder, "tls"), { recursive: true });
  const { key, cert, authority } = certify(join(folder, "tls"), "localhost");
  const files = new Map<string, Buffer>();
  const asked: string[] = [];
  const instead: HttpsFiles["instead"] = [];
  const server = createServer({ key, cert }, (request, response) => {
    // Nothing is kept open, so that closing the server ends it.
    response.setHeader("connection", "close");
    asked.push(`${request.method} ${request.url} ${request.headers.range ?? ""}`.trim());
    const other = instead.shift();
    if (other) return other(request, response);
    const body = files.get(request.url?.replace(/\?.*/, "") ?? "");
    if (body === undefined) return void response.writeHead(404).end();
    const etag = `"${body.length}-${body.subarray(0, 8).toString("hex")}"`;
    const [, from] = /^bytes=(\d+)-$/.exec(request.headers.range ?? "") ?? [];
    const condition = request.headers["if-range"];
    if (from === undefined || (condition !== undefined && condition !== etag)) {
      response.writeHead(200, { etag, "content-length": body.length }).end(body);
    } else if (Number(from) >= body.length) {
      response.writeHead(416).end();
    } else {
      const range = `bytes ${from}-${body.length - 1}/${body.length}`;
      const rest = body.subarray(Number(from));
      response.writeHead(206, { etag, "content-range": range, "content-length": rest.length }).end(rest);
    }
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { ca } = globalAgent.options;
  globalAgent.options.ca = readFileSync(authority);
  onTestFinished(() => {
    globalAgent.options.ca = ca;
    server.close();
    server.closeAllConnections();
  });
  return { url: `https://localhost:${(server.address() as AddressInfo).port}`, files, asked, instead, authority };
}

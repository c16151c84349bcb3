import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { listObjects, S3Error, sendError } from "./s3-answers.ts";
import { BucketSettings } from "./s3-bucket-settings.ts";
import { checkBody, checkReadConditions, checkWriteConditions, rangeOf } from "./s3-conditions.ts";
import { type Fault, type Misbehaviour, Misbehaviours, sendBody } from "./s3-misbehaviour.ts";
import { checkSignature, queryPairs, type SigningKey } from "./sigv4.ts";

export type Permission = "get" | "put" | "list" | "delete";

/** A key that the server knows, and what it may do; without `allow`, everything. */
export interface S3Key extends SigningKey {
  readonly allow?: readonly Permission[];
}

export interface S3Options {
  readonly bucket?: string;
  readonly region?: string;
  /** Account that owns the bucket, for x-amz-expected-bucket-owner. */
  readonly owner?: string;
  readonly credentials?: readonly S3Key[];
  /** What requests without a signature may do; default nothing. */
  readonly anonymous?: readonly Permission[];
  /** The bucket is not there until somebody makes it. */
  readonly missing?: boolean;
}

export interface S3Object {
  readonly body: Buffer;
  readonly etag: string;
  /** Request headers that S3 keeps or acts on: content-type, x-amz-server-side-encryption… */
  readonly headers: Readonly<Record<string, string>>;
}

export interface S3Request {
  readonly method: string;
  readonly target: string;
  /** As in the bucket; empty for requests on the bucket itself. */
  readonly key: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Moment on this computer, milliseconds since 1970. */
  readonly at: number;
  /** 0 until an answer began. */
  status: number;
  /** Of the answer's body. */
  sent: number;
  /** Of the request's body. */
  received: number;
}

export interface S3Server {
  /** `http://127.0.0.1:PORT`; path style is `<url>/<bucket>/<key>`. */
  readonly url: string;
  readonly port: number;
  readonly bucket: string;
  readonly region: string;
  readonly objects: ReadonlyMap<string, S3Object>;
  readonly settings: BucketSettings;
  readonly requests: S3Request[];
  /** May be changed while the server runs. */
  readonly credentials: S3Key[];
  /** What the server's clock differs from this computer's by, milliseconds; may be changed. */
  clockOffset: number;
  put(key: string, body: Buffer | string): void;
  delete(key: string): void;
  misbehave(rule: Misbehaviour): void;
  /** Ends all misbehaviour. */
  behave(): void;
  close(): Promise<void>;
}

export const TEST_KEY: S3Key = { accessKeyId: "AKIATESTTESTTESTTEST", secretAccessKey: "test/secret+of=a/test" };

/**
 * An S3 endpoint on loopback, for tests: path style and virtual-host style (by the Host header), signatures checked,
 * conditional requests, ListObjectsV2, and everything that may go wrong on demand.
 */
export async function startS3(options: S3Options = {}): Promise<S3Server> {
  const { bucket = "acme-boot", region = "eu-west-1", owner = "111122223333", anonymous = [] } = options;
  const objects = new Map<string, S3Object>();
  const requests: S3Request[] = [];
  const credentials = [...(options.credentials ?? [TEST_KEY])];
  const faults = new Misbehaviours();
  const self = { clockOffset: 0 };
  const settings = new BucketSettings(options.missing !== true);
  const put = (key: string, body: Buffer | string, headers: Readonly<Record<string, string>> = {}): S3Object => {
    const bytes = Buffer.from(body);
    const object = { body: bytes, etag: `"${createHash("md5").update(bytes).digest("hex")}"`, headers };
    objects.set(key, object);
    return object;
  };

  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const method = request.method ?? "GET";
    const target = request.url ?? "/";
    const headers = plainHeaders(request);
    const place = placeOf(target, headers.host ?? "");
    const entry: S3Request = {
      method,
      target,
      key: place.key,
      headers,
      at: Date.now(),
      status: 0,
      sent: 0,
      received: 0,
    };
    requests.push(entry);
    const now = Date.now() + self.clockOffset;
    response.setHeader("date", new Date(now).toUTCString());
    response.setHeader("x-amz-request-id", "4442587FB7D0A2F9");
    response.setHeader("server", "AmazonS3");
    response.on("close", () => {
      entry.status = response.headersSent ? response.statusCode : 0;
    });
    try {
      const fault = faults.take(method, place.key);
      if (fault?.kind === "silent") return;
      if (fault?.kind === "hold") await fault.open(target);
      if (fault?.kind === "reset" && fault.after === 0) return void request.socket.resetAndDestroy();
      if (fault) failOnPurpose(fault, region);
      const who = checkSignature({ method, target, headers }, { keys: credentials, region, service: "s3", now });
      if (who.by === "refused") {
        const there = who.message.includes("expecting") ? { "x-amz-bucket-region": region } : {};
        throw new S3Error(who.status, who.code, who.message, there, regionOf(who.message, region));
      }
      const allowed =
        who.by === "nobody" ? anonymous : credentials.find((key) => key.accessKeyId === who.accessKeyId)?.allow;
      const may = (what: Permission): boolean => allowed === undefined || allowed.includes(what);
      if (place.bucket !== bucket) {
        throw new S3Error(404, "NoSuchBucket", "The specified bucket does not exist", {}, { BucketName: place.bucket });
      }
      response.setHeader("x-amz-bucket-region", region);
      const expectedOwner = headers["x-amz-expected-bucket-owner"];
      if (expectedOwner !== undefined && expectedOwner !== owner) throw denied();
      if (place.key === "" && allowed === undefined) {
        const body = method === "PUT" ? (await readBody(request)).toString() : "";
        if (settings.answer(method, target, body, response)) return;
      }
      if (place.key === "") {
        if (method !== "GET" && method !== "HEAD") throw new S3Error(405, "MethodNotAllowed");
        if (!may("list")) throw denied();
        const query = Object.fromEntries(queryPairs(target));
        const listing = {
          bucket,
          prefix: query.prefix ?? "",
          maxKeys: Number(query["max-keys"] ?? 1000),
          token: query["continuation-token"],
          startAfter: query["start-after"] ?? "",
        };
        const rows = [...objects].map(([key, { body, etag }]) => ({ key, bytes: body.length, etag }));
        const sorted = rows.sort((a, b) => (a.key < b.key ? -1 : 1));
        response.setHeader("content-type", "application/xml");
        entry.sent = await sendBody(response, 200, {}, Buffer.from(listObjects(listing, sorted)), fault);
        return;
      }
      if (method === "PUT") {
        if (!may("put")) throw denied();
        const body = await readBody(request);
        entry.received = body.length;
        checkBody(body, headers);
        checkWriteConditions(objects.get(place.key), headers);
        const { etag } = put(place.key, body, headers);
        if (fault?.kind === "mute") {
          fault.meanwhile?.();
          return void request.socket.resetAndDestroy();
        }
        const kms = Object.entries(headers).filter(([name]) => name.startsWith("x-amz-server-side-encryption"));
        return void response.writeHead(200, { etag, ...Object.fromEntries(kms) }).end();
      }
      if (method === "DELETE") {
        if (!may("delete")) throw denied();
        objects.delete(place.key);
        return void response.writeHead(204).end();
      }
      if (method !== "GET" && method !== "HEAD") throw new S3Error(501, "NotImplemented");
      if (!may("get")) throw denied();
      const object = objects.get(fault?.kind === "swap" ? fault.key : place.key);
      if (!object) throw may("list") ? new S3Error(404, "NoSuchKey", "The specified key does not exist.") : denied();
      checkReadConditions(object, headers);
      const body = fault?.kind === "change" ? fault.body(object.body) : object.body;
      const about = { etag: object.etag, "accept-ranges": "bytes", "content-type": "binary/octet-stream" };
      if (method === "HEAD") {
        return void response.writeHead(200, { ...about, "content-length": `${body.length}` }).end();
      }
      const range = rangeOf(headers.range, body.length);
      if (!range) entry.sent = await sendBody(response, 200, about, body, fault);
      else {
        const [from, to] = range;
        const more = { ...about, "content-range": `bytes ${from}-${to}/${body.length}` };
        entry.sent = await sendBody(response, 206, more, body.subarray(from, to + 1), fault);
      }
    } catch (error) {
      if (error instanceof S3Error) sendError(request, response, error);
      else sendError(request, response, new S3Error(500, "InternalError", String(error)));
    }
  };

  const server = createServer((request, response) => void handle(request, response));
  // Never the first to close: a client that holds on to a connection must not be helped to its end.
  server.keepAliveTimeout = 0;
  // A fleet that boots at once must not be turned away by the queue of this one server.
  await new Promise<void>((resolve) => server.listen({ port: 0, host: "127.0.0.1", backlog: 1024 }, resolve));
  const { port } = server.address() as AddressInfo;
  return Object.assign(self, {
    url: `http://127.0.0.1:${port}`,
    port,
    bucket,
    region,
    objects,
    settings,
    requests,
    credentials,
    put: (key: string, body: Buffer | string) => void put(key, body),
    delete: (key: string) => void objects.delete(key),
    misbehave: (rule: Misbehaviour) => faults.add(rule),
    behave: () => faults.clear(),
    close: () =>
      new Promise<void>((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  });
}

const denied = (): S3Error => new S3Error(403, "AccessDenied", "Access Denied");

function failOnPurpose(fault: Fault, region: string): void {
  if (fault.kind === "status") {
    const code = fault.code ?? (fault.status === 503 ? "SlowDown" : fault.status === 500 ? "InternalError" : "Error");
    throw new S3Error(
      fault.status,
      code,
      code === "SlowDown" ? "Please reduce your request rate." : code,
      fault.headers,
    );
  }
  if (fault.kind === "redirect") {
    const code = { 301: "PermanentRedirect", 307: "TemporaryRedirect", 400: "AuthorizationHeaderMalformed" }[
      fault.status
    ];
    const headers = {
      "x-amz-bucket-region": fault.region,
      ...(fault.location === undefined ? {} : { location: fault.location }),
    };
    const more = { Region: fault.region, Endpoint: `s3.${fault.region}.amazonaws.com` };
    throw new S3Error(
      fault.status,
      code,
      `the region '${region}' is wrong; expecting '${fault.region}'`,
      headers,
      more,
    );
  }
}

/** The region is in the body too where it is what was wrong. */
function regionOf(message: string, region: string): Readonly<Record<string, string>> {
  return message.includes("expecting") ? { Region: region } : {};
}

/** Virtual-host style where the Host header begins with a bucket: `acme-boot.localhost:1`, `b.s3.eu-west-1.amazonaws.com`. */
function placeOf(target: string, host: string): { readonly bucket: string; readonly key: string } {
  const path = decodeURIComponent((target.split("?")[0] ?? "/").slice(1));
  const [, virtual] = /^(.+?)\.(?:localhost|s3[.-][a-z0-9.-]*amazonaws\.com(?:\.cn)?)(?::\d+)?$/.exec(host) ?? [];
  if (virtual !== undefined) return { bucket: virtual, key: path };
  const at = path.indexOf("/");
  return at < 0 ? { bucket: path, key: "" } : { bucket: path.slice(0, at), key: path.slice(at + 1) };
}

function plainHeaders({ headers }: IncomingMessage): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value).trim()]));
}

async function readBody(request: IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  return Buffer.concat(parts);
}

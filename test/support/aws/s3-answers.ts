import type { IncomingMessage, ServerResponse } from "node:http";

/** An error as S3 tells it: "Error Responses", Amazon S3 API Reference. */
export class S3Error extends Error {
  readonly status: number;
  readonly code: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly more: Readonly<Record<string, string>>;

  constructor(
    status: number,
    code: string,
    message: string = code,
    headers: Readonly<Record<string, string>> = {},
    more: Readonly<Record<string, string>> = {},
  ) {
    super(message);
    this.status = status;
    this.code = code;
    this.headers = headers;
    this.more = more;
  }
}

/** Sends an error; a HEAD gets its status and headers only. */
export function sendError(request: IncomingMessage, response: ServerResponse, error: S3Error): void {
  const rows = { Code: error.code, Message: error.message, ...error.more, RequestId: "4442587FB7D0A2F9" };
  const body = `<?xml version="1.0" encoding="UTF-8"?>\n<Error>${elements(rows)}</Error>`;
  // What is not read of the request's body would reset the connection, and the answer with it.
  request.resume();
  response.writeHead(error.status, { "content-type": "application/xml", ...error.headers });
  response.end(request.method === "HEAD" || error.status === 304 ? undefined : body);
}

export interface Listing {
  readonly bucket: string;
  readonly prefix: string;
  readonly maxKeys: number;
  readonly token: string | undefined;
  readonly startAfter: string;
}

interface Listed {
  readonly key: string;
  readonly bytes: number;
  readonly etag: string;
}

/** ListObjectsV2: one page of `objects`, which are in order. The continuation token is the last key, in base64. */
export function listObjects(
  { bucket, prefix, maxKeys, token, startAfter }: Listing,
  objects: readonly Listed[],
): string {
  const after = token === undefined ? startAfter : Buffer.from(token, "base64").toString();
  const rest = objects.filter(({ key }) => key.startsWith(prefix) && key > after);
  const page = rest.slice(0, maxKeys);
  const more = rest.length > page.length;
  const contents = page.map(
    ({ key, bytes, etag }) =>
      `<Contents>${elements({ Key: key, Size: `${bytes}`, ETag: etag, StorageClass: "STANDARD" })}</Contents>`,
  );
  const head = {
    Name: bucket,
    Prefix: prefix,
    KeyCount: `${page.length}`,
    MaxKeys: `${maxKeys}`,
    IsTruncated: `${more}`,
    ...(more ? { NextContinuationToken: Buffer.from(page.at(-1)?.key ?? "").toString("base64") } : {}),
  };
  return `<?xml version="1.0" encoding="UTF-8"?>\n<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${elements(head)}${contents.join("")}</ListBucketResult>`;
}

function elements(rows: Readonly<Record<string, string>>): string {
  const safe = (text: string): string => text.replace(/[&<>"]/g, (char) => `&#${char.charCodeAt(0)};`);
  return Object.entries(rows)
    .map(([name, value]) => `<${name}>${safe(value)}</${name}>`)
    .join("");
}

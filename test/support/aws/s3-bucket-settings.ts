import type { ServerResponse } from "node:http";
import { S3Error } from "./s3-answers.ts";

/** What S3 says of a setting that nobody made, by the query that names it. */
const UNSET: Readonly<Record<string, string | { readonly code: string }>> = {
  versioning: '<VersioningConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/"/>',
  publicAccessBlock: { code: "NoSuchPublicAccessBlockConfiguration" },
  encryption: { code: "ServerSideEncryptionConfigurationNotFoundError" },
  policy: { code: "NoSuchBucketPolicy" },
};

/** The settings of a server's one bucket: kept as they came, given back as they are. */
export class BucketSettings {
  exists: boolean;
  /** XML, or JSON of the policy, by the query that names it. */
  readonly given = new Map<string, string>();

  constructor(exists: boolean) {
    this.exists = exists;
  }

  /** Answers a request on the bucket itself; false when it is none of these. @throws {S3Error} `NoSuchBucket` and what S3 says of what is unset. */
  answer(method: string, target: string, body: string, response: ServerResponse): boolean {
    const query = new URLSearchParams(target.split("?")[1] ?? "");
    const name = Object.keys(UNSET).find((each) => query.has(each));
    if (name === undefined && method === "PUT") {
      if (this.exists) throw new S3Error(409, "BucketAlreadyOwnedByYou");
      this.exists = true;
      response.writeHead(200, { location: "/" }).end();
      return true;
    }
    if (!this.exists) throw new S3Error(404, "NoSuchBucket", "The specified bucket does not exist");
    if (name === undefined && method === "HEAD") {
      response.writeHead(200).end();
      return true;
    }
    if (name === undefined) return false;
    if (method === "PUT") {
      this.given.set(name, body);
      response.writeHead(200).end();
      return true;
    }
    const now = this.given.get(name) ?? UNSET[name];
    if (now === undefined) return false;
    if (typeof now !== "string") throw new S3Error(404, now.code);
    response.writeHead(200, { "content-type": name === "policy" ? "application/json" : "application/xml" }).end(now);
    return true;
  }
}

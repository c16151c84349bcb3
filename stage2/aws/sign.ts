import { createHash, createHmac } from "node:crypto";

export interface Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken: string | undefined;
}

/** A POST to `/` of a service: all that is asked from a machine goes that way. */
export interface Unsigned {
  readonly host: string;
  readonly region: string;
  /** As the scope has it: `autoscaling`, `ec2`, `logs`. */
  readonly service: string;
  /** Lower-case names; host and date come by themselves. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** Milliseconds since 1970. */
  readonly now: number;
}

/**
 * The headers of a request with its AWS Signature Version 4 ("Create a signed AWS API request", AWS IAM User Guide). All
 * headers are signed.
 */
export function signedHeaders(request: Unsigned, credentials: Credentials): Record<string, string> {
  const { host, region, service, body, now } = request;
  const { accessKeyId, secretAccessKey, sessionToken } = credentials;
  const date = new Date(now).toISOString().replace(/[-:]|\.\d{3}/g, "");
  const headers: Record<string, string> = {
    ...request.headers,
    host,
    "x-amz-date": date,
    ...(sessionToken === undefined ? {} : { "x-amz-security-token": sessionToken }),
  };
  const names = Object.keys(headers).sort();
  const lines = names.map((name) => `${name}:${headers[name]}\n`).join("");
  const canonical = ["POST", "/", "", lines, names.join(";"), sha256(body)].join("\n");
  const scope = `${date.slice(0, 8)}/${region}/${service}/aws4_request`;
  let mac: string | Buffer = `AWS4${secretAccessKey}`;
  for (const part of [...scope.split("/"), ["AWS4-HMAC-SHA256", date, scope, sha256(canonical)].join("\n")])
    mac = createHmac("sha256", mac).update(part).digest();
  const signature = mac.toString("hex");
  return {
    ...headers,
    authorization: `AWS4-HMAC-SHA256 Credential=${accessKeyId}/${scope}, SignedHeaders=${names.join(";")}, Signature=${signature}`,
  };
}

const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");

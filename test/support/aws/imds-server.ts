import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export interface RoleCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken: string;
}

export interface ImdsOptions {
  /** Keys and values; absent means that the instance does not show its tags. */
  readonly tags?: Readonly<Record<string, string>>;
  readonly role?: string;
  readonly credentials?: RoleCredentials;
}

export interface ImdsServer {
  /** `http://127.0.0.1:PORT`, for AWS_EC2_METADATA_SERVICE_ENDPOINT. */
  readonly url: string;
  /** `PUT /latest/api/token` and so on, in order, with the status of the answer. */
  readonly requests: string[];
  tags: Readonly<Record<string, string>> | undefined;
  role: string | undefined;
  credentials: RoleCredentials | undefined;
  /** Seconds that the service's clock is ahead: what a token's time to live is counted by. */
  clock: number;
  /** The next so many requests are refused with this status; 0: they are never answered. */
  fail(status: number, count?: number): void;
  close(): Promise<void>;
}

/**
 * Version 2 of EC2's instance metadata service on loopback: a token by PUT, wanted in every request; tags; a role's
 * credentials. "Use the Instance Metadata Service", Amazon EC2 User Guide.
 */
export async function startImds(options: ImdsOptions = {}): Promise<ImdsServer> {
  const requests: string[] = [];
  const tokens = new Map<string, number>();
  const failures: number[] = [];
  const self = {
    requests,
    tags: options.tags,
    role: options.role,
    credentials: options.credentials,
    clock: 0,
  };
  const now = (): number => Date.now() / 1000 + self.clock;

  const answer = (request: IncomingMessage): readonly [number, string] => {
    const { method = "GET", url = "/", headers } = request;
    if (url === "/latest/api/token") {
      const ttl = Number(headers["x-aws-ec2-metadata-token-ttl-seconds"]);
      if (method !== "PUT") return [405, ""];
      // A request that came by a proxy gets no token.
      if (headers["x-forwarded-for"] !== undefined) return [403, ""];
      if (!(ttl >= 1 && ttl <= 21_600)) return [400, ""];
      const token = `AQAEA${tokens.size}-token==`;
      tokens.set(token, now() + ttl);
      return [200, token];
    }
    const end = tokens.get(String(headers["x-aws-ec2-metadata-token"]));
    if (end === undefined || end <= now()) return [401, ""];
    const path = url.replace(/^\/latest\/meta-data\//, "");
    if (path.startsWith("tags/instance/") && self.tags) {
      const value = self.tags[decodeURIComponent(path.slice("tags/instance/".length))];
      if (value !== undefined) return [200, value];
    }
    if (path === "iam/security-credentials/" && self.role !== undefined) return [200, self.role];
    if (path === `iam/security-credentials/${self.role}` && self.credentials) {
      const { accessKeyId, secretAccessKey, sessionToken } = self.credentials;
      const document = {
        Code: "Success",
        LastUpdated: "2026-11-20T12:00:00Z",
        Type: "AWS-HMAC",
        AccessKeyId: accessKeyId,
        SecretAccessKey: secretAccessKey,
        Token: sessionToken,
        Expiration: "2026-11-20T18:00:00Z",
      };
      return [200, JSON.stringify(document, null, 2)];
    }
    return [404, "<html>404 - Not Found</html>"];
  };

  const server = createServer((request: IncomingMessage, response: ServerResponse) => {
    const failure = failures.shift();
    if (failure === 0) return void requests.push(`${request.method} ${request.url} 0`);
    const [status, body] = failure === undefined ? answer(request) : [failure, ""];
    requests.push(`${request.method} ${request.url} ${status}`);
    response.writeHead(status, { "content-type": "text/plain", connection: "close" }).end(body);
  });
  await new Promise<void>((resolve) => server.listen({ port: 0, host: "127.0.0.1", backlog: 1024 }, resolve));
  return Object.assign(self, {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    fail: (status: number, count = 1) => void failures.push(...Array.from({ length: count }, () => status)),
    close: () =>
      new Promise<void>((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  });
}

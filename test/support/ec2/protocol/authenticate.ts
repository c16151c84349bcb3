import { createHash } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { checkSignature, type SigningKey } from "../../aws/sigv4.ts";

export type Service = "ec2" | "ssm" | "autoscaling" | "logs";

const SERVICES: readonly Service[] = ["ec2", "ssm", "autoscaling", "logs"];

export interface Authentic {
  readonly service: Service;
  readonly region: string;
}

export type Refusal = "unsigned" | "unknown" | "expired" | "wrong";

const SCOPE = /Credential=[^/]+\/\d{8}\/([^/]+)\/([^/]+)\/aws4_request/;

/** Who asks, by the Signature Version 4 of a request: its scope names the region that the caller means. */
export function authenticate(request: IncomingMessage, body: Buffer, keys: readonly SigningKey[]): Authentic | Refusal {
  const headers = Object.fromEntries(Object.entries(request.headers).map(([name, value]) => [name, String(value)]));
  const [, region, named] = SCOPE.exec(headers.authorization ?? "") ?? [];
  if (region === undefined) return "unsigned";
  const service = SERVICES.find((each) => each === named);
  if (service === undefined) return "wrong";
  // Whatever the request says of its body, what came is what has to be signed.
  const payload = createHash("sha256").update(body).digest("hex");
  const wire = { method: request.method ?? "", target: request.url ?? "", headers };
  const verdict = checkSignature(wire, { keys, region, service, now: Date.now(), payload });
  if (verdict.by === "key") return { service, region };
  if (verdict.by === "nobody") return "unsigned";
  if (verdict.code === "ExpiredToken" || verdict.code === "RequestTimeTooSkewed") return "expired";
  return verdict.code === "InvalidAccessKeyId" || verdict.code === "InvalidToken" ? "unknown" : "wrong";
}

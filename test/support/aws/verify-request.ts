import { createHash } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { checkSignature, type SigningKey } from "./sigv4.ts";

/**
 * The error code with which AWS would refuse a request to a service, by its Signature Version 4; undefined: it is good.
 *
 * @param body What came: whatever the request says of it, this has to be signed.
 */
export function refusalOf(
  request: IncomingMessage,
  body: Buffer,
  {
    keys,
    region,
    service,
  }: { readonly keys: readonly SigningKey[]; readonly region: string; readonly service: string },
): string | undefined {
  const headers = Object.fromEntries(Object.entries(request.headers).map(([name, value]) => [name, String(value)]));
  const signed = { ...headers, "x-amz-content-sha256": createHash("sha256").update(body).digest("hex") };
  const wire = { method: request.method ?? "", target: request.url ?? "", headers: signed };
  const verdict = checkSignature(wire, { keys, region, service, now: Date.now() });
  if (verdict.by === "key") return undefined;
  return verdict.by === "nobody" ? "MissingAuthenticationToken" : verdict.code;
}

export async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  return Buffer.concat(parts);
}

export const escapeXml = (text: string): string =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");

export const unescapeXml = (text: string): string =>
  text.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&quot;", '"').replaceAll("&amp;", "&");

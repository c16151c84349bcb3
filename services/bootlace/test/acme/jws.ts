import { createHash, createPublicKey, type KeyObject, sign } from "node:crypto";

const base64url = (data: string | Uint8Array): string => Buffer.from(data).toString("base64url");

export interface Jwk {
  readonly crv: string;
  readonly kty: string;
  readonly x: string;
  readonly y: string;
}

/** The public half of a P-256 key as RFC 7517 writes it, members in the order of RFC 7638. */
export function jwkOf(key: KeyObject): Jwk {
  const { crv = "", kty = "", x = "", y = "" } = createPublicKey(key).export({ format: "jwk" });
  return { crv, kty, x, y };
}

/** RFC 7638: what a key authorization ends with. */
export const thumbprint = (jwk: Jwk): string => createHash("sha256").update(JSON.stringify(jwk)).digest("base64url");

/**
 * A request's body: JWS, RFC 7515, by ES256, with the header fields of RFC 8555, section 6.2.
 *
 * @param payload Undefined: POST-as-GET, an empty payload.
 */
export function signedBody(key: KeyObject, header: object, payload: unknown): string {
  const head = base64url(JSON.stringify({ alg: "ES256", ...header }));
  const body = payload === undefined ? "" : base64url(JSON.stringify(payload));
  const signature = sign("sha256", Buffer.from(`${head}.${body}`), { key, dsaEncoding: "ieee-p1363" });
  return JSON.stringify({ protected: head, payload: body, signature: base64url(signature) });
}

import { createHash, createHmac, timingSafeEqual } from "node:crypto";

/** A request as it came over the wire. */
export interface WireRequest {
  readonly method: string;
  /** The target of the request line, as it was sent: `/bucket/key?x=y`. */
  readonly target: string;
  /** Lower-case names; values trimmed. */
  readonly headers: Readonly<Record<string, string>>;
}

export interface SigningKey {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
  /** The session's end has come: `ExpiredToken`. */
  readonly expired?: boolean;
}

export interface SignatureCheck {
  readonly keys: readonly SigningKey[];
  readonly region: string;
  readonly service: string;
  /** The server's clock, milliseconds since 1970. */
  readonly now: number;
  /** Digest of the body that came, for services other than S3: those want no x-amz-content-sha256. */
  readonly payload?: string;
}

export type Verdict =
  | { readonly by: "nobody" }
  | { readonly by: "key"; readonly accessKeyId: string }
  | { readonly by: "refused"; readonly status: number; readonly code: string; readonly message: string };

/** A request may be this much older or newer than the server's clock. */
const SKEW_MS = 15 * 60_000;
const HEADER =
  /^AWS4-HMAC-SHA256 Credential=([^/, ]+)\/(\d{8})\/([^/]+)\/([^/]+)\/aws4_request, ?SignedHeaders=([a-z0-9;-]+), ?Signature=([0-9a-f]{64})$/;

interface Signed {
  readonly accessKeyId: string;
  readonly scope: { readonly day: string; readonly region: string; readonly service: string };
  readonly date: string;
  readonly names: readonly string[];
  readonly signature: string;
  readonly payload: string;
  readonly token: string | undefined;
  readonly expires?: number;
}

/**
 * Checks the Signature Version 4 of a request, in the Authorization header or in the query, as S3 does: "Authenticating
 * Requests (AWS Signature Version 4)" in the Amazon S3 API Reference. Written from that page, for tests.
 */
export function checkSignature(request: WireRequest, { keys, region, service, now, payload }: SignatureCheck): Verdict {
  const query = queryPairs(request.target);
  const presigned = query.some(([name]) => name === "X-Amz-Signature");
  const authorization = request.headers.authorization;
  if (authorization === undefined && !presigned) return { by: "nobody" };
  const signed = authorization === undefined ? fromQuery(query) : fromHeader(request, authorization, payload);
  if (signed === undefined) return no(400, "AuthorizationHeaderMalformed", "The authorization is not well formed");
  const key = keys.find(({ accessKeyId }) => accessKeyId === signed.accessKeyId);
  if (!key) return no(403, "InvalidAccessKeyId", "The AWS Access Key Id you provided does not exist in our records.");
  if (signed.token !== key.sessionToken) return no(400, "InvalidToken", "The provided token is malformed or invalid");
  if (key.expired) return no(400, "ExpiredToken", "The provided token has expired.");
  const at = readDate(signed.date);
  if (Number.isNaN(at) || !signed.date.startsWith(signed.scope.day)) {
    return no(403, "AccessDenied", "AWS authentication requires a valid Date or x-amz-date header");
  }
  if (signed.expires === undefined && Math.abs(now - at) > SKEW_MS) {
    return no(403, "RequestTimeTooSkewed", "The difference between the request time and the current time is too large");
  }
  if (signed.expires !== undefined && (at - now > SKEW_MS || now > at + signed.expires * 1000)) {
    return no(403, "AccessDenied", "Request has expired");
  }
  if (signed.scope.region !== region) {
    return no(
      400,
      "AuthorizationHeaderMalformed",
      `the region '${signed.scope.region}' is wrong; expecting '${region}'`,
    );
  }
  if (signed.scope.service !== service) return no(400, "AuthorizationHeaderMalformed", "the service is wrong");
  const unsigned = Object.keys(request.headers).filter(
    (name) => (name === "host" || name.startsWith("x-amz-")) && !signed.names.includes(name),
  );
  // S3 lets a presigned request leave x-amz-content-sha256 out.
  if (unsigned.some((name) => !(signed.expires !== undefined && name === "x-amz-content-sha256"))) {
    return no(403, "AccessDenied", `There were headers present in the request which were not signed: ${unsigned}`);
  }
  const good = signatureOf(request, query, signed, key.secretAccessKey);
  if (!timingSafeEqual(Buffer.from(good, "hex"), Buffer.from(signed.signature, "hex"))) {
    return no(
      403,
      "SignatureDoesNotMatch",
      "The request signature we calculated does not match the signature you provided.",
    );
  }
  return { by: "key", accessKeyId: key.accessKeyId };
}

function fromHeader(request: WireRequest, authorization: string, came: string | undefined): Signed | undefined {
  const [, accessKeyId, day, region, service, names, signature] = HEADER.exec(authorization) ?? [];
  const payload = came ?? request.headers["x-amz-content-sha256"];
  if (!accessKeyId || !day || !region || !service || !names || !signature || payload === undefined) return undefined;
  return {
    accessKeyId,
    scope: { day, region, service },
    date: request.headers["x-amz-date"] ?? "",
    names: names.split(";"),
    signature,
    payload,
    token: request.headers["x-amz-security-token"],
  };
}

function fromQuery(query: readonly (readonly [string, string])[]): Signed | undefined {
  const given = Object.fromEntries(query);
  const [accessKeyId, day, region, service, end] = (given["X-Amz-Credential"] ?? "").split("/");
  const expires = Number(given["X-Amz-Expires"]);
  if (!accessKeyId || !day || !region || !service || end !== "aws4_request") return undefined;
  if (given["X-Amz-Algorithm"] !== "AWS4-HMAC-SHA256" || !(expires >= 1 && expires <= 604_800)) return undefined;
  if (!/^[0-9a-f]{64}$/.test(given["X-Amz-Signature"] ?? "")) return undefined;
  return {
    accessKeyId,
    scope: { day, region, service },
    date: given["X-Amz-Date"] ?? "",
    names: (given["X-Amz-SignedHeaders"] ?? "").split(";"),
    signature: given["X-Amz-Signature"] ?? "",
    payload: "UNSIGNED-PAYLOAD",
    token: given["X-Amz-Security-Token"],
    expires,
  };
}

function signatureOf(
  { method, target, headers }: WireRequest,
  query: readonly (readonly [string, string])[],
  { scope, date, names, payload }: Signed,
  secret: string,
): string {
  const path = (target.split("?")[0] ?? "/").split("/").map(decodeURIComponent).map(encode).join("/");
  const canonicalQuery = query
    .filter(([name]) => name !== "X-Amz-Signature")
    .map(([name, value]) => [encode(name), encode(value)] as const)
    .sort(([a, x], [b, y]) => (a < b || (a === b && x < y) ? -1 : 1))
    .map(([name, value]) => `${name}=${value}`)
    .join("&");
  const canonicalHeaders = names.map((name) => `${name}:${(headers[name] ?? "").replace(/ +/g, " ")}\n`).join("");
  const canonical = [method, path, canonicalQuery, canonicalHeaders, names.join(";"), payload].join("\n");
  const place = `${scope.day}/${scope.region}/${scope.service}/aws4_request`;
  const toSign = ["AWS4-HMAC-SHA256", date, place, createHash("sha256").update(canonical).digest("hex")].join("\n");
  const mac = (key: string | Buffer, text: string): Buffer => createHmac("sha256", key).update(text).digest();
  const key = mac(mac(mac(mac(`AWS4${secret}`, scope.day), scope.region), scope.service), "aws4_request");
  return mac(key, toSign).toString("hex");
}

/** The decoded pairs of a target's query, in the order they came. */
export function queryPairs(target: string): readonly (readonly [string, string])[] {
  const [, query = ""] = /\?(.*)$/s.exec(target) ?? [];
  return query
    .split("&")
    .filter(Boolean)
    .map((pair) => {
      const at = pair.indexOf("=");
      const [name, value] = at < 0 ? [pair, ""] : [pair.slice(0, at), pair.slice(at + 1)];
      return [decodeURIComponent(name), decodeURIComponent(value)] as const;
    });
}

/** UriEncode() of that page: all but the unreserved characters of RFC 3986. */
function encode(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);
}

/** `20130524T000000Z` as milliseconds; NaN for anything else. */
function readDate(date: string): number {
  const [, y, mo, d, h, mi, s] = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(date) ?? [];
  return y === undefined ? Number.NaN : Date.parse(`${y}-${mo}-${d}T${h}:${mi}:${s}Z`);
}

function no(status: number, code: string, message: string): Verdict {
  return { by: "refused", status, code, message };
}

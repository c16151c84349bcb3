import { createHash, createPrivateKey, generateKeyPairSync, X509Certificate } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { placeFile, readState, writeState } from "../../../lib/state-file.ts";
import type { Authority } from "../certificate.ts";
import type { DnsRecord, HostedZone } from "../hosted-zone.ts";
import { AcmeSession } from "./acme-session.ts";
import { jwkOf, thumbprint } from "./jws.ts";

interface Order {
  readonly status: string;
  readonly authorizations: readonly string[];
  readonly finalize: string;
  readonly certificate?: string;
  readonly error?: { readonly detail?: string };
}

interface Challenge {
  readonly type: string;
  readonly url: string;
  readonly token: string;
  readonly error?: { readonly detail?: string };
}

interface Authorization {
  readonly status: string;
  readonly identifier: { readonly value: string };
  readonly challenges: readonly Challenge[];
}

export interface AcmeOptions {
  /** The directory's address. */
  readonly directory: string;
  readonly email: string | undefined;
  /** Where the account's key lies. */
  readonly folder: string;
  readonly instance: string;
  readonly zone: HostedZone;
}

/** A CA that speaks ACME, and believes whoever can write TXT records: challenge dns-01, RFC 8555, section 8.4. */
export function acmeCa({ directory, email, folder, instance, zone }: AcmeOptions): Authority {
  return {
    id: directory,
    async sign(dir, names) {
      const session = await AcmeSession.open(directory, accountKey(folder, instance), email);
      const identifiers = names.map((value) => ({ type: "dns", value }));
      const order = await session.newOrder<Order>({ identifiers });
      await authorize(session, zone, order.body.authorizations);
      const csr = derOf(readFileSync(join(dir, "request.pem"), "utf8"));
      await session.post(order.body.finalize, { csr });
      const done = await session.settled<Order>(order.location, ["pending", "ready", "processing"]);
      if (done.certificate === undefined)
        throw new Error(`The CA did not issue: order ${done.status}, ${done.error?.detail ?? "no reason given"}`);
      const { body } = await session.post<string>(done.certificate);
      new X509Certificate(body);
      return body;
    },
  };
}

/** Writes all challenges' records in one change, has the CA look, and removes them whatever became of it. */
async function authorize(session: AcmeSession, zone: HostedZone, urls: readonly string[]): Promise<void> {
  const open = [];
  for (const url of urls) {
    const { body } = await session.post<Authorization>(url);
    if (body.status === "valid") continue;
    const challenge = body.challenges.find(({ type }) => type === "dns-01");
    if (challenge === undefined) throw new Error(`The CA offers no dns-01 challenge for ${body.identifier.value}`);
    open.push({ url, challenge, record: recordFor(session, body.identifier.value, challenge) });
  }
  if (open.length === 0) return;
  try {
    // Also what was written and not yet in sync when the wait for it failed is removed.
    await zone.upsert(open.map(({ record }) => record));
    for (const { challenge } of open) await session.post(challenge.url, {});
    for (const { url } of open) {
      const { status, challenges, identifier } = await session.settled<Authorization>(url, ["pending", "processing"]);
      const why = challenges.find(({ error }) => error !== undefined)?.error?.detail ?? "no reason given";
      if (status !== "valid") throw new Error(`The CA does not believe that ${identifier.value} is ours: ${why}`);
    }
  } finally {
    await zone.remove(open.map(({ record }) => record));
  }
}

function recordFor(session: AcmeSession, name: string, { token }: Challenge): DnsRecord {
  const authorization = `${token}.${thumbprint(jwkOf(session.key))}`;
  const value = createHash("sha256").update(authorization).digest("base64url");
  // A TXT record's value has its quotes in Route 53.
  return { name: `_acme-challenge.${name}`, type: "TXT", value: `"${value}"` };
}

/** One for each machine: an image must not take its builder's account along. */
function accountKey(folder: string, instance: string) {
  const [file, note] = [join(folder, "acme-account.pem"), join(folder, "acme-account.json")];
  if (!existsSync(file) || readState<{ instance: string }>(note)?.instance !== instance) {
    const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
    placeFile(file, privateKey.export({ type: "pkcs8", format: "pem" }).toString(), 0o600);
    writeState(note, { instance });
  }
  return createPrivateKey(readFileSync(file));
}

/** A PEM block's bytes as ACME wants them. */
const derOf = (pem: string): string =>
  Buffer.from(pem.replace(/-----[^-]+-----|\s/g, ""), "base64").toString("base64url");

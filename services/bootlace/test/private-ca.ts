import { randomBytes } from "node:crypto";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Authority, certificatesIn } from "./certificate.ts";
import { openssl } from "./openssl.ts";

const DAY_MS = 86_400_000;
/** What a client's clock may be behind the machine's. */
const BACKDATED_MS = 5 * 60_000;

/**
 * The project's own CA: the secret `issuer` has the key of an issuing certificate, then that certificate. The root's key
 * is at the desk alone; what the issuing one signs is bound to one zone by its name constraints.
 *
 * @param file Of the secret.
 * @param days Life of what it signs; never longer than the issuer's own.
 * @throws {Error} Without an issuer, and when its time is over.
 */
export function privateCa(file: string, days: number, now = Date.now()): Authority {
  if (!existsSync(file)) {
    throw new Error(
      "No CA is given: the secret `issuer` (made by `bootlace cert new`), or the param `acme`, a directory's address",
    );
  }
  const [issuer] = certificatesIn(readFileSync(file, "utf8"));
  if (issuer === undefined) throw new Error("The secret `issuer` has no certificate");
  const end = Math.min(now + days * DAY_MS, Date.parse(issuer.validTo));
  if (end <= now)
    throw new Error(`The issuer's time was over on ${issuer.validTo}: make another by bootlace cert renew`);
  return {
    id: issuer.fingerprint256,
    async sign(folder, names) {
      // openssl ca, because x509 -req of 3.0 can set no beginning and no end but whole days.
      const work = mkdtempSync(join(folder, "ca-"));
      try {
        writeFileSync(join(work, "index.txt"), "");
        // 127 random bits, so that it is positive and no two machines' are the same: RFC 5280, section 4.1.2.2.
        writeFileSync(join(work, "serial"), `4${randomBytes(16).toString("hex").slice(1)}\n`);
        writeFileSync(join(work, "ca.cnf"), caConfig(names));
        const dates = ["-startdate", asn1Time(now - BACKDATED_MS), "-enddate", asn1Time(end)];
        const from = ["-in", join(folder, "request.pem"), "-cert", file, "-keyfile", file, ...dates];
        openssl(work, "ca", "-config", "ca.cnf", "-batch", "-notext", ...from, "-out", "leaf.pem");
        const [leaf] = certificatesIn(readFileSync(join(work, "leaf.pem"), "utf8"));
        if (!leaf?.verify(issuer.publicKey)) throw new Error("The key of the secret `issuer` is not its certificate's");
        return `${leaf.toString()}${issuer.toString()}`;
      } finally {
        rmSync(work, { recursive: true, force: true });
      }
    },
  };
}

/** Names come from here, never from the request; extensions as in RFC 5280, section 4.2.1. */
const caConfig = (names: readonly string[]): string => `[ca]
default_ca = leaf
[leaf]
database = index.txt
serial = serial
new_certs_dir = .
default_md = sha256
policy = anything
x509_extensions = server
[anything]
organizationName = optional
[server]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = serverAuth
subjectAltName = ${names.map((name) => `DNS:${name}`).join(",")}
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
`;

/** `20261130120000Z`: GeneralizedTime, RFC 5280, section 4.1.2.5.2. */
const asn1Time = (at: number): string => new Date(at).toISOString().replace(/[-:T]|\.\d{3}/g, "");

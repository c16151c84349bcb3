import { createPrivateKey, X509Certificate } from "node:crypto";
import { chmodSync, existsSync, readFileSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { placeFile, readState, writeState } from "../../lib/state-file.ts";
import { makeRequest } from "./openssl.ts";
import { noteReload, type TlsFiles } from "./virtual-hosts.ts";

/** Turns `request.pem` in the folder into a chain, the machine's own certificate first, as PEM. */
export interface Authority {
  /** Changes when certificates by it are to be made anew: the issuer's fingerprint, or the directory's address. */
  readonly id: string;
  sign(folder: string, names: readonly string[]): Promise<string>;
}

export interface CertificateOrder {
  /** Folder for key and certificate, root's alone. */
  readonly folder: string;
  readonly instance: string;
  readonly names: readonly string[];
  readonly authority: Authority;
}

/** A certificate is made anew when less than this part of its life is left. */
const LEFT = 1 / 3;

export const tlsFiles = (folder: string): TlsFiles => ({
  chain: join(folder, "chain.pem"),
  key: join(folder, "key.pem"),
});

/**
 * Sees to it that there is a certificate for exactly these names: the one that is there, or a new one with a new key.
 *
 * @returns Why a new one was made, or undefined.
 */
export async function ensureCertificate(order: CertificateOrder, now = Date.now()): Promise<string | undefined> {
  const { folder, names, authority, instance } = order;
  const why = whyRenew(order, now);
  if (why === undefined) return undefined;
  const { chain, key } = tlsFiles(folder);
  makeRequest(folder, names);
  chmodSync(`${key}.new`, 0o600);
  const text = await authority.sign(folder, names);
  const [leaf] = certificatesIn(text);
  if (!leaf?.checkPrivateKey(createPrivateKey(readFileSync(`${key}.new`))))
    throw new Error("The certificate that was signed is not for the key that asked for it");
  // The note goes first and comes last: a machine that goes down in the middle has no note, and makes both anew.
  rmSync(noteFile(folder), { force: true });
  noteReload(folder);
  renameSync(`${key}.new`, key);
  placeFile(chain, text, 0o644);
  writeState(noteFile(folder), { instance, authority: authority.id } satisfies Note);
  rmSync(join(folder, "request.pem"), { force: true });
  return why;
}

interface Note {
  readonly instance: string;
  readonly authority: string;
}

const noteFile = (folder: string): string => join(folder, "certificate.json");

function whyRenew({ folder, instance, names, authority }: CertificateOrder, now: number): string | undefined {
  const { chain, key } = tlsFiles(folder);
  const note = readState<Note>(noteFile(folder));
  if (note === undefined || !existsSync(chain) || !existsSync(key)) return "there is none";
  if (note.instance !== instance) return "it is another machine's";
  if (note.authority !== authority.id) return "its authority changed";
  const [leaf] = certificatesIn(readFileSync(chain, "utf8"));
  if (leaf === undefined) return "it is damaged";
  if (namesOf(leaf).join() !== [...names].sort().join()) return "the names changed";
  const [from, to] = [Date.parse(leaf.validFrom), Date.parse(leaf.validTo)];
  return to - now < (to - from) * LEFT ? "less than a third of its life is left" : undefined;
}

export function certificatesIn(pem: string): X509Certificate[] {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  return blocks.map((block) => new X509Certificate(block));
}

const namesOf = ({ subjectAltName = "" }: X509Certificate): string[] =>
  subjectAltName
    .split(", ")
    .map((name) => name.replace(/^DNS:/, ""))
    .sort();

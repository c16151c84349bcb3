import { createHash, createPublicKey, type KeyObject } from "node:crypto";
import { BootlaceError } from "../../stage2/index.ts";

/** A public key that machines of a project trust; `trust/<id>.pem` in the project, docs/trust.md. */
export interface TrustedKey {
  /** First 16 hex digits of the SHA-256 of its DER SubjectPublicKeyInfo (RFC 8410). */
  readonly id: string;
  /** Epochs that it may sign, both ends included. A leaked key can go no further than `to`. */
  readonly from: number;
  readonly to: number;
  /** Where the private key is, when AWS KMS holds it. */
  readonly kms?: string;
  readonly publicKey: KeyObject;
}

/** The id of an Ed25519 public key. */
export function keyId(publicKey: KeyObject): string {
  return createHash("sha256")
    .update(publicKey.export({ type: "spki", format: "der" }))
    .digest("hex")
    .slice(0, 16);
}

/** The text of a trust file: what stage1 reads by `case`, then what openssl reads. */
export function trustFileText({ from, to, kms, publicKey }: TrustedKey): string {
  const head = ["bootlace-key 1", `epochs=${from}-${to}`, ...(kms === undefined ? [] : [`kms=${kms}`])];
  return `${head.join("\n")}\n${publicKey.export({ type: "spki", format: "pem" })}`;
}

/**
 * Reads a trust file.
 *
 * @param file Its path, for messages; the name must be the key's id.
 * @throws {BootlaceError} `E_TRUST_FILE`.
 */
export function parseTrustFile(text: string, file: string): TrustedKey {
  const wrong = (why: string): BootlaceError => new BootlaceError("E_TRUST_FILE", `${file}: ${why}`);
  const [head = "", pem] = text.split(/^(?=-----BEGIN )/m);
  const [first, ...lines] = head.trim().split("\n");
  if (first !== "bootlace-key 1") throw wrong(`the first line is "${first ?? ""}", expected "bootlace-key 1"`);
  const values = new Map(lines.map((line) => [line.slice(0, line.indexOf("=")), line.slice(line.indexOf("=") + 1)]));
  const [, from, to] = /^([1-9]\d{0,8})-([1-9]\d{0,8})$/.exec(values.get("epochs") ?? "") ?? [];
  if (from === undefined || to === undefined || Number(from) > Number(to)) {
    throw wrong(`epochs=${values.get("epochs") ?? ""} is no range, expected epochs=<from>-<to>`);
  }
  let publicKey: KeyObject;
  try {
    publicKey = createPublicKey(pem ?? "");
  } catch {
    throw wrong("it holds no public key in PEM after these lines");
  }
  if (publicKey.asymmetricKeyType !== "ed25519") {
    throw wrong(`the key is ${publicKey.asymmetricKeyType}, expected Ed25519`);
  }
  const id = keyId(publicKey);
  if (!file.endsWith(`${id}.pem`)) throw wrong(`the key in it is ${id}: expected the name ${id}.pem`);
  const kms = values.get("kms");
  return { id, from: Number(from), to: Number(to), ...(kms === undefined ? {} : { kms }), publicKey };
}

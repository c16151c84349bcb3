import { createPrivateKey } from "node:crypto";
import type { ParsedKey } from "ssh2";
import ssh2 from "ssh2";

/** Undefined where the passphrase is missing or wrong. */
export type Unlocked = ParsedKey | undefined;

/**
 * Reads a private key: OpenSSH's format, PEM and PKCS#8, each also encrypted.
 *
 * @throws {Error} with the reason when the text is no key that can be used.
 */
export function readPrivateKey(text: string, passphrase?: string): Unlocked {
  const pem = /-----BEGIN ((RSA|EC|ENCRYPTED) )?PRIVATE KEY-----/.test(text) ? fromPem(text, passphrase) : text;
  if (pem === undefined) return undefined;
  const key = ssh2.utils.parseKey(pem, passphrase);
  if (key instanceof Error) {
    if (isLocked(text)) return undefined;
    throw key;
  }
  const one = Array.isArray(key) ? key[0] : key;
  if (!one?.isPrivateKey()) throw new Error("it holds no private key");
  return one;
}

/** Whether a private key is encrypted, in whichever format. */
export function isLocked(text: string): boolean {
  if (/ENCRYPTED/.test(text)) return true;
  const body = containerOf(text);
  // The name of the cipher follows the magic (PROTOCOL.key).
  return body !== undefined && body.string(15) !== "none";
}

/** The public half that OpenSSH's format keeps readable beside an encrypted key, as on the wire. */
export function publicHalf(text: string): Buffer | undefined {
  const body = containerOf(text);
  if (!body) return undefined;
  let at = 15;
  // cipher, kdf, kdf options; then the count of keys, and the first public one
  for (let skip = 0; skip < 3; skip += 1) at += 4 + body.bytes.readUInt32BE(at);
  const length = body.bytes.readUInt32BE(at + 4);
  return body.bytes.subarray(at + 8, at + 8 + length);
}

function containerOf(text: string): { readonly bytes: Buffer; string(at: number): string } | undefined {
  const base64 = /-----BEGIN OPENSSH PRIVATE KEY-----([\s\S]+)-----END/.exec(text)?.[1];
  if (base64 === undefined) return undefined;
  const bytes = Buffer.from(base64, "base64");
  if (bytes.subarray(0, 15).toString("latin1") !== "openssh-key-v1\0") return undefined;
  return { bytes, string: (at) => bytes.subarray(at + 4, at + 4 + bytes.readUInt32BE(at)).toString("latin1") };
}

/** ssh2 knows the traditional PEM forms only, and few of their ciphers; OpenSSL knows all. */
function fromPem(text: string, passphrase: string | undefined): string | undefined {
  if (isLocked(text) && passphrase === undefined) return undefined;
  try {
    const key = createPrivateKey({ key: text, ...(passphrase !== undefined && { passphrase }) });
    const type = key.asymmetricKeyType === "rsa" ? "pkcs1" : "sec1";
    return key.export({ format: "pem", type }).toString();
  } catch (error) {
    if (isLocked(text)) return undefined;
    throw error;
  }
}

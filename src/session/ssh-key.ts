import { createHash } from "node:crypto";
import { writeFile } from "node:fs/promises";
import ssh2 from "ssh2";

export interface SshKeyPair {
  /** OpenSSH private key file, PEM. */
  readonly private: string;
  /** One line as in authorized_keys: type, base64, comment. */
  readonly public: string;
}

/**
 * Makes an Ed25519 key pair. The comment names what it is for, so that a leftover can be recognised.
 * One key in about 300 that ssh2 1.17 makes cannot be read by ssh2 itself, so each is read back.
 */
export function makeSshKey(comment: string): SshKeyPair {
  for (;;) {
    const pair = ssh2.utils.generateKeyPairSync("ed25519", { comment });
    if (!(ssh2.utils.parseKey(pair.private) instanceof Error)) return { private: pair.private, public: pair.public };
  }
}

/** The key's blob of a public key line, as it crosses the wire (RFC 4253, 6.6). */
export function publicKeyBlob(line: string): Buffer {
  return Buffer.from(line.trim().split(/\s+/)[1] ?? "", "base64");
}

/** As ssh-keygen -l shows it: base64 of the SHA-256 without padding. */
export function fingerprint(blob: Buffer): string {
  return `SHA256:${createHash("sha256").update(blob).digest("base64").replace(/=+$/, "")}`;
}

/** The type stands at the head of the blob, as a string (RFC 4251, 5). */
export function keyType(blob: Buffer): string {
  return blob.length < 4 ? "" : blob.subarray(4, 4 + blob.readUInt32BE(0)).toString("latin1");
}

/** Writes a key pair as OpenSSH keeps one: the private key in `file`, mode 0600, the public one in `file.pub`. */
export async function writeSshKey(file: string, key: SshKeyPair): Promise<void> {
  await writeFile(file, key.private, { mode: 0o600 });
  await writeFile(`${file}.pub`, `${key.public}\n`, { mode: 0o644 });
}

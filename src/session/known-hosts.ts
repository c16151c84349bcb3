import { createHmac, timingSafeEqual } from "node:crypto";
import { readFile } from "node:fs/promises";
import { BootlaceError } from "../../stage2/index.ts";

/** A line of a known_hosts file that speaks of the host in question. */
export interface KnownKey {
  readonly marker: "key" | "revoked" | "cert-authority";
  /** `ssh-ed25519`, `ssh-rsa`, … */
  readonly type: string;
  /** As it crosses the wire (RFC 4253, 6.6). */
  readonly blob: Buffer;
  readonly file: string;
  /** Counted from 1. */
  readonly line: number;
}

/**
 * Reads what known_hosts files hold on a host (sshd(8), SSH_KNOWN_HOSTS FILE FORMAT). Files that are missing hold nothing.
 *
 * @param names of the host as {@link hostKeyName} makes them; lines for any of them count.
 */
export async function readKnownKeys(files: readonly string[], names: readonly string[]): Promise<readonly KnownKey[]> {
  const read = files.map(async (file) => {
    const text = await readFile(file, "utf8").catch((error: NodeJS.ErrnoException) => {
      if (error.code === "ENOENT" || error.code === "ENOTDIR") return "";
      throw error;
    });
    return text.split("\n").flatMap((line, index) => knownKey(line, names, file, index + 1));
  });
  return (await Promise.all(read)).flat();
}

/**
 * Reads the files of RevokedHostKeys (ssh_config(5)): public keys, one a line. As with ssh(1), a file that is missing or
 * cannot be understood refuses every host: nobody could tell which keys it revokes.
 *
 * @throws {BootlaceError} `E_SESSION_HOST_KEY`.
 */
export async function readRevokedKeys(files: readonly string[]): Promise<readonly KnownKey[]> {
  const read = files.map(async (file) => {
    const text = await readFile(file, "latin1").catch((error: NodeJS.ErrnoException) => {
      throw unreadable(file, error.code ?? error.message);
    });
    // PROTOCOL.krl of OpenSSH: what a binary list begins with.
    if (text.startsWith("SSHKRL\n\0")) throw unreadable(file, "it is a key revocation list (KRL)");
    return text.split("\n").flatMap((line, index) => revokedKey(line, file, index + 1));
  });
  return (await Promise.all(read)).flat();
}

function revokedKey(text: string, file: string, line: number): readonly KnownKey[] {
  if (/^\s*(#|$)/.test(text)) return [];
  const [type = "", base64 = ""] = text.trim().split(/\s+/);
  const blob = Buffer.from(base64, "base64");
  // The blob says its type itself (RFC 4253, 6.6).
  if (blob.length < 4 || blob.subarray(4, 4 + blob.readUInt32BE(0)).toString("latin1") !== type)
    throw unreadable(file, `line ${line} is no public key`);
  return [{ marker: "revoked", type, blob, file, line }];
}

function unreadable(file: string, why: string): BootlaceError {
  return new BootlaceError("E_SESSION_HOST_KEY", `${file} of RevokedHostKeys cannot be read: ${why}`, {
    hint: "List the revoked public keys in it as text, one a line; until then no host can be trusted.",
  });
}

/** The name that known_hosts has for a host: `host` at port 22, else `[host]:port`. */
export function hostKeyName(host: string, port: number): string {
  const name = host.toLowerCase();
  return port === 22 ? name : `[${name}]:${port}`;
}

function knownKey(text: string, names: readonly string[], file: string, line: number): readonly KnownKey[] {
  const words = text.trim().split(/\s+/);
  const marked = words[0]?.startsWith("@");
  const [hosts = "", type = "", base64 = ""] = marked ? words.slice(1) : words;
  if (hosts.startsWith("#") || base64 === "" || !names.some((name) => fitsHosts(hosts, name))) return [];
  const marker = marked ? words[0]?.slice(1) : "key";
  // A marker that is not known changes what the line says; ssh passes over such lines too.
  if (marker !== "key" && marker !== "revoked" && marker !== "cert-authority") return [];
  return [{ marker, type, blob: Buffer.from(base64, "base64"), file, line }];
}

function fitsHosts(hosts: string, name: string): boolean {
  if (hosts.startsWith("|")) return fitsHash(hosts, name);
  let fits = false;
  for (const pattern of hosts.split(",")) {
    const negated = pattern.startsWith("!");
    if (!fitsPattern(negated ? pattern.slice(1) : pattern, name)) continue;
    // One negated match outweighs all others (sshd(8)).
    if (negated) return false;
    fits = true;
  }
  return fits;
}

/** `|1|salt|hash`: HMAC-SHA1 of the name, keyed by the salt, both base64. */
function fitsHash(hashed: string, name: string): boolean {
  const [, version, salt = "", hash = ""] = hashed.split("|");
  if (version !== "1") return false;
  const expected = Buffer.from(hash, "base64");
  const came = createHmac("sha1", Buffer.from(salt, "base64")).update(name).digest();
  return expected.length === came.length && timingSafeEqual(expected, came);
}

function fitsPattern(pattern: string, name: string): boolean {
  const source = pattern
    .toLowerCase()
    .replace(/[.+^${}()|[\]\\]/g, "\\$&")
    // `.*` once for any row of stars, so that no pattern takes exponential time.
    .replace(/\*+/g, ".*")
    .replace(/\?/g, ".");
  return new RegExp(`^${source}$`).test(name);
}

import { join } from "node:path";
import type { ServerHostKeyAlgorithm } from "ssh2";
import { BootlaceError } from "../../stage2/index.ts";
import { addKnownHost, projectKnownHosts } from "./add-known-host.ts";
import { hostKeyName, type KnownKey, readKnownKeys, readRevokedKeys } from "./known-hosts.ts";
import { fingerprint, keyType } from "./ssh-key.ts";
import { isKnownHostKey } from "./ssh-session.ts";
import type { SshSettings } from "./ssh-settings.ts";

/** What ssh2 can verify and OpenSSH still offers; SHA-1 signatures only where the configuration asks for them. */
const ALGORITHMS: readonly ServerHostKeyAlgorithm[] = [
  "ssh-ed25519",
  "ecdsa-sha2-nistp256",
  "ecdsa-sha2-nistp384",
  "ecdsa-sha2-nistp521",
  "rsa-sha2-512",
  "rsa-sha2-256",
];

const CHANGED =
  "Another machine may be answering at this address. Where it was made anew and its console shows this fingerprint, remove the line that is named, and connect again.";
const REVOKED = "Whoever revoked it holds it for stolen. Give the host a new key over its console.";

export interface HostKeyRules {
  /** The project's folder: its own known_hosts is in `.bootlace`. */
  readonly dir: string;
  /** `SHA256:…` that the person vouches for. */
  readonly acceptHostKey?: string | undefined;
}

/**
 * Decides on the key that one host shows. Known keys come from the configuration's known_hosts files and from the
 * project's; StrictHostKeyChecking makes nothing weaker.
 */
export class HostKeyCheck {
  /** Why the key was refused, once it was. */
  refusal: BootlaceError | undefined;
  readonly #settings: SshSettings;
  readonly #rules: HostKeyRules;
  readonly #known: readonly KnownKey[];
  /** Known for the address without its port: another machine's, maybe, so they accept and never refuse. */
  readonly #bare: readonly KnownKey[];
  #accepted: Buffer | undefined;

  private constructor(
    settings: SshSettings,
    rules: HostKeyRules,
    known: readonly KnownKey[],
    bare: readonly KnownKey[],
  ) {
    this.#settings = settings;
    this.#rules = rules;
    this.#known = known;
    this.#bare = bare;
  }

  /**
   * Reads what is known of a host. As with ssh(1), a key that is known for the host without its port counts where none
   * is known for host and port.
   *
   * @throws {BootlaceError} `E_SESSION_HOST_KEY` where a file of revoked keys cannot be read, or no type of key that
   *   HostKeyAlgorithms allows can be verified here.
   */
  static async open(settings: SshSettings, rules: HostKeyRules): Promise<HostKeyCheck> {
    const { host, port, hostKeyAlias, knownHosts } = settings;
    const names = hostKeyAlias ? [hostKeyAlias, hostKeyAlias.toLowerCase()] : [hostKeyName(host, port)];
    const files = [...new Set([...knownHosts, projectKnownHosts(rules.dir)])];
    const own = await readKnownKeys(files, names);
    const bare = hostKeyAlias || port === 22 ? [] : await readKnownKeys(files, [hostKeyName(host, 22)]);
    const revoked = [...(await readRevokedKeys(settings.revokedHostKeys)), ...bare.filter(isRevoked)];
    const check = new HostKeyCheck(settings, rules, [...own, ...revoked], bare);
    check.#assertVerifiable();
    return check;
  }

  /** In the order of preference: types of which a key is known come first, so that the host shows one of those. */
  algorithms(): ServerHostKeyAlgorithm[] {
    const list = this.#allowed();
    const types = new Set(this.#accepting().map(({ type }) => type));
    const isKnown = (name: string) => types.has(name.startsWith("rsa-") ? "ssh-rsa" : name);
    return [...list.filter(isKnown), ...list.filter((name) => !isKnown(name))];
  }

  #allowed(): ServerHostKeyAlgorithm[] {
    const asked = this.#settings.hostKeyAlgorithms;
    if (asked.length === 0) return [...ALGORITHMS];
    const able = [...ALGORITHMS, "ssh-rsa" as const].filter((name) => asked.includes(name));
    return able.sort((one, other) => asked.indexOf(one) - asked.indexOf(other));
  }

  #assertVerifiable(): void {
    if (this.#allowed().length > 0) return;
    throw new BootlaceError(
      "E_SESSION_HOST_KEY",
      `${this.#place()}: HostKeyAlgorithms allows ${this.#settings.hostKeyAlgorithms.join(", ")}, and none of these can be verified here`,
      { hint: `Allow one of ${ALGORITHMS.join(", ")} for this host in the ssh configuration.` },
    );
  }

  /** For ssh2's hostVerifier. */
  fits(shown: Buffer): boolean {
    const revoked = this.#known.find((key) => isRevoked(key) && isKnownHostKey(shown, [key.blob]));
    if (revoked) this.refusal = this.#refused(shown, `the key is revoked (${revoked.file}:${revoked.line})`, REVOKED);
    else if (this.#accepting().some(({ blob }) => isKnownHostKey(shown, [blob]))) return true;
    else if (this.#keys().length) this.refusal = this.#refused(shown, `known are ${this.#knownHere()}`, CHANGED);
    else if (sameFingerprint(this.#rules.acceptHostKey, shown)) {
      this.#accepted = shown;
      return true;
    } else this.refusal = this.#unknown(shown);
    return false;
  }

  /** Stores a key that the person vouched for; called once the host has proven that it holds it. */
  async remember(): Promise<void> {
    if (!this.#accepted) return;
    const { host, port, hostKeyAlias } = this.#settings;
    await addKnownHost(this.#rules.dir, hostKeyAlias ?? hostKeyName(host, port), this.#accepted);
    this.#accepted = undefined;
  }

  #keys(): readonly KnownKey[] {
    return this.#known.filter(isKey);
  }

  #accepting(): readonly KnownKey[] {
    const own = this.#keys();
    return own.length > 0 ? own : this.#bare.filter(isKey);
  }

  #knownHere(): string {
    return this.#keys()
      .map(({ type, blob, file, line }) => `${type} ${fingerprint(blob)} (${file}:${line})`)
      .join(", ");
  }

  #refused(shown: Buffer, why: string, hint: string): BootlaceError {
    return new BootlaceError("E_SESSION_HOST_KEY", `${this.#place()} shows host key ${described(shown)}; ${why}`, {
      hint,
    });
  }

  #unknown(shown: Buffer): BootlaceError {
    const { configured } = this.#settings;
    const asked = this.#rules.acceptHostKey;
    const authority = [...this.#known, ...this.#bare].find(({ marker }) => marker === "cert-authority");
    const more = [
      asked ? `; expected ${asked}` : "",
      authority ? `; ${authority.file}:${authority.line} trusts a certificate authority, which is not supported` : "",
      configured ? "" : "; there is no ssh on the PATH, so ~/.ssh/config was not read",
    ];
    const file = join(".bootlace", "known_hosts");
    return new BootlaceError(
      "E_SESSION_HOST_KEY_UNKNOWN",
      `${this.#place()} shows host key ${described(shown)}, which is not known${more.join("")}`,
      {
        hint: `Compare it with what the machine's console shows. Then pass --accept-host-key ${fingerprint(shown)} (stored in ${file}), or run \`${this.#sshLine()}\` once.`,
      },
    );
  }

  #sshLine(): string {
    const { typed, port, user } = this.#settings;
    return `ssh ${port === 22 ? "" : `-p ${port} `}${user}@${typed}`;
  }

  #place(): string {
    return `${this.#settings.host}:${this.#settings.port}`;
  }
}

const isKey = ({ marker }: KnownKey): boolean => marker === "key";
const isRevoked = ({ marker }: KnownKey): boolean => marker === "revoked";

const described = (blob: Buffer): string => `${keyType(blob)} ${fingerprint(blob)}`;

function sameFingerprint(typed: string | undefined, shown: Buffer): boolean {
  return typed !== undefined && typed.trim().replace(/=+$/, "") === fingerprint(shown);
}

import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { BootlaceError } from "../../../stage2/index.ts";
import type { LoadedProject } from "../../project/loaded.ts";
import { runChecked } from "../../session/run-checked.ts";
import type { Session } from "../../session/session.ts";

/** A secret's value at the desk. Prints as redacted, so that no log or JSON ever shows it by accident. */
export class SecretValue {
  readonly service: string;
  readonly name: string;
  readonly #value: Buffer;

  constructor(service: string, name: string, value: Buffer) {
    this.service = service;
    this.name = name;
    this.#value = value;
  }

  reveal(): Buffer {
    return this.#value;
  }

  toJSON(): string {
    return "[redacted]";
  }

  toString(): string {
    return "[redacted]";
  }
}

/**
 * Reads the secrets of a closure that the desk itself sends (`env:NAME`, `desk:./file`). Sources that the machine reads
 * are left to it.
 *
 * @throws {BootlaceError} `E_SECRET_SOURCE` naming the secret and where it should have come from.
 */
export async function readSecrets(loaded: LoadedProject, services: readonly string[]): Promise<readonly SecretValue[]> {
  const values: SecretValue[] = [];
  for (const [key, source] of Object.entries(loaded.config.secrets)) {
    const dot = key.lastIndexOf(".");
    const service = key.slice(0, dot);
    if (!services.includes(service)) continue;
    const value = await readSource(loaded.dir, key, source);
    if (value) values.push(new SecretValue(service, key.slice(dot + 1), value));
  }
  return values;
}

async function readSource(dir: string, key: string, source: string): Promise<Buffer | undefined> {
  if (source.startsWith("env:")) {
    const value = process.env[source.slice(4)];
    if (value) return Buffer.from(value);
    throw new BootlaceError(
      "E_SECRET_SOURCE",
      `Secret ${key}: the variable ${source.slice(4)} is not set at this desk`,
    );
  }
  if (!source.startsWith("desk:")) return undefined;
  const file = resolve(dir, source.slice(5));
  try {
    return await readFile(file);
  } catch (cause) {
    throw new BootlaceError("E_SECRET_SOURCE", `Secret ${key}: ${file} cannot be read`, { cause });
  }
}

const WRITE = `
set -eu
umask 077
mkdir -p "/run/bootlace/secrets/$1"
cat >"/run/bootlace/secrets/$1/$2"
chmod 0400 "/run/bootlace/secrets/$1/$2"
`;

/** Puts secrets on the machine's tmpfs, by stdin; they are gone with its boot. */
export async function sendSecrets(session: Session, secrets: readonly SecretValue[]): Promise<void> {
  for (const secret of secrets) {
    const argv = ["sh", "-c", WRITE, "bootlace-secret", secret.service, secret.name];
    await runChecked(session, argv, { stdin: secret.reveal() });
  }
}

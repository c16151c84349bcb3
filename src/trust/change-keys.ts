import { generateKeyPairSync, type KeyObject } from "node:crypto";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { BootlaceError } from "../../stage2/index.ts";
import { writeDurably } from "../store/write-blob.ts";
import { writePrivateKey } from "./private-keys.ts";
import { loadTrust, trustFolder } from "./trust.ts";
import { keyId, type TrustedKey, trustFileText } from "./trusted-key.ts";

/** What a change of keys left behind. */
export interface KeyChange {
  readonly key: TrustedKey;
  /** The trust file, absolute. */
  readonly file: string;
  /** Where the private key is: a file or an ARN. */
  readonly held: string;
}

/**
 * Makes the first key of a project.
 *
 * @param kms ARN of a key that KMS holds already, in place of a file on this desk.
 * @param epoch That it signs; above the last one where an earlier key was lost.
 * @throws {BootlaceError} `E_KEY_EXISTS`, `E_KMS`.
 */
export async function newKey(dir: string, kms?: string, epoch = 1): Promise<KeyChange> {
  const { keys } = await loadTrust(dir);
  if (keys.length > 0) {
    throw new BootlaceError("E_KEY_EXISTS", `The project has a key: ${keys.map(({ id }) => id).join(", ")}`, {
      hint: '`bootlace key rotate` brings a new one that machines learn of. If its private half is lost: docs/trust.md, "A key is lost".',
    });
  }
  return addKey(dir, epoch, epoch, kms);
}

/**
 * Begins a change: the new key signs beside the old one in this epoch, and alone in the next. Machines get it with the
 * next bundle, which the old key signs: without that one's private half nothing is begun.
 *
 * @throws {BootlaceError} `E_NO_KEY`, `E_KEY_EXISTS` while another change is under way, `E_KEY_MISSING`, `E_KMS`.
 */
export async function rotateKey(dir: string, kms?: string): Promise<KeyChange> {
  const { keys, epoch, signers } = await loadTrust(dir);
  if (keys.length === 0) throw noKey(dir);
  if (keys.length > 1) {
    throw new BootlaceError("E_KEY_EXISTS", `The keys are changing already: ${keys.map(({ id }) => id).join(", ")}`, {
      hint: "When machines have had the time to boot once, end it: bootlace key rotate --finish, then deploy.",
    });
  }
  await signers();
  return addKey(dir, epoch, epoch + 1, kms);
}

/**
 * The keys of a change that is under way: those that are to go, and those that stay.
 *
 * @throws {BootlaceError} `E_NO_KEY` when there is no newer one.
 */
export async function keysInChange(
  dir: string,
): Promise<{ readonly old: readonly TrustedKey[]; readonly fresh: readonly TrustedKey[] }> {
  const { keys, epoch } = await loadTrust(dir);
  const fresh = keys.filter(({ to }) => to !== epoch);
  if (fresh.length === 0) throw noKey(dir, "newer ");
  return { old: keys.filter(({ to }) => to === epoch), fresh };
}

/**
 * Ends a change: drops the old key, so that pointers are of the next epoch. A machine that accepts one trusts the old key
 * no more.
 *
 * @returns the keys that were dropped.
 * @throws {BootlaceError} `E_NO_KEY` when there is no newer one.
 */
export async function finishRotation(dir: string): Promise<readonly TrustedKey[]> {
  const { old } = await keysInChange(dir);
  await Promise.all(old.map(({ id }) => rm(join(trustFolder(dir), `${id}.pem`))));
  return old;
}

async function addKey(dir: string, from: number, to: number, kms: string | undefined): Promise<KeyChange> {
  let publicKey: KeyObject;
  let held: string;
  if (kms === undefined) {
    const pair = generateKeyPairSync("ed25519");
    publicKey = pair.publicKey;
    held = await writePrivateKey(keyId(publicKey), pair.privateKey);
  } else {
    const { kmsPublicKey } = await import("./kms-signer.ts");
    publicKey = await kmsPublicKey(kms);
    held = kms;
  }
  const key = { id: keyId(publicKey), from, to, publicKey, ...(kms === undefined ? {} : { kms }) };
  const file = join(trustFolder(dir), `${key.id}.pem`);
  await writeDurably(file, Buffer.from(trustFileText(key)));
  return { key, file, held };
}

function noKey(dir: string, which = ""): BootlaceError {
  return new BootlaceError("E_NO_KEY", `The project has no ${which}key: ${trustFolder(dir)}`, {
    hint:
      which === "" ? "Make one with `bootlace key new`." : "Bring one with `bootlace key rotate` first, and deploy it.",
  });
}

import { createPrivateKey, createPublicKey, type KeyObject, sign } from "node:crypto";
import { constants } from "node:fs";
import { mkdir, open } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { BootlaceError } from "../../stage2/index.ts";
import type { Signer } from "./signer.ts";
import { keyId } from "./trusted-key.ts";

/**
 * Where private keys are kept, outside of every project: `$BOOTLACE_KEYS`, else `$XDG_CONFIG_HOME/bootlace/keys`.
 *
 * @param home This user's home folder; throws where the uid is in no passwd and HOME is not set.
 * @throws {BootlaceError} `E_KEY_MISSING` then.
 */
export function keysFolder(env: NodeJS.ProcessEnv = process.env, home: () => string = homedir): string {
  if (env.BOOTLACE_KEYS) return env.BOOTLACE_KEYS;
  try {
    return join(env.XDG_CONFIG_HOME || join(home(), ".config"), "bootlace", "keys");
  } catch (cause) {
    throw new BootlaceError("E_KEY_MISSING", "This user has no home folder, where private keys would be", {
      cause,
      hint: "Set BOOTLACE_KEYS to the folder that has them, or HOME.",
    });
  }
}

/** Writes a new private key (PKCS #8, PEM) that only its owner may read. Never over an old one. */
export async function writePrivateKey(id: string, key: KeyObject): Promise<string> {
  const folder = keysFolder();
  const file = join(folder, `${id}.pem`);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const handle = await open(file, "wx", 0o600);
  try {
    await handle.writeFile(key.export({ type: "pkcs8", format: "pem" }));
    await handle.sync();
  } finally {
    await handle.close();
  }
  return file;
}

/** The PEM of a private key, undefined when this desk does not have it. @throws {BootlaceError} `E_KEY_FILE`. */
export async function readPrivateKey(id: string): Promise<string | undefined> {
  const file = join(keysFolder(), `${id}.pem`);
  const handle = await open(file, constants.O_RDONLY).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return undefined;
    throw new BootlaceError("E_KEY_FILE", `${file} cannot be read: ${error.message}`, { cause: error });
  });
  if (handle === undefined) return undefined;
  try {
    const { mode } = await handle.stat();
    if (mode & 0o077) {
      throw new BootlaceError(
        "E_KEY_FILE",
        `${file} has mode ${(mode & 0o777).toString(8)}: others may read it, expected 600`,
        { hint: `chmod 600 ${file}; if others could read it, make a new one: bootlace key rotate` },
      );
    }
    return await handle.readFile("utf8");
  } finally {
    await handle.close();
  }
}

/** Signs with a private key file of this desk. @throws {BootlaceError} `E_KEY_MISSING`, `E_KEY_FILE`. */
export async function fileSigner(id: string): Promise<Signer> {
  const file = join(keysFolder(), `${id}.pem`);
  const pem = await readPrivateKey(id);
  if (pem === undefined) {
    throw new BootlaceError("E_KEY_MISSING", `The private key ${id} of this project is not on this desk: no ${file}`, {
      hint: 'Copy it from the desk that made it, or point BOOTLACE_KEYS at the folder that has it. Lost for good: docs/trust.md, "A key is lost".',
    });
  }
  let key: KeyObject;
  try {
    key = createPrivateKey(pem);
  } catch (cause) {
    throw new BootlaceError("E_KEY_FILE", `${file} holds no private key in PEM`, { cause });
  }
  const held = keyId(createPublicKey(key));
  if (held !== id) throw new BootlaceError("E_KEY_FILE", `${file} holds the key ${held}, not ${id}`);
  return { id, sign: async (body) => sign(null, body, key) };
}

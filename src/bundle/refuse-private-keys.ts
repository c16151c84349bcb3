import { BootlaceError } from "../../stage2/index.ts";
import { readPrivateKey } from "../trust/private-keys.ts";
import { loadTrust } from "../trust/trust.ts";

interface Content {
  readonly path: string;
  readonly bytes: Uint8Array;
}

/**
 * The key that signs a channel must not travel in what it signs: every machine could then sign.
 *
 * @throws {BootlaceError} `E_KEY_IN_BUNDLE`, naming the file.
 */
export async function refusePrivateKeys(dir: string, files: readonly Content[]): Promise<void> {
  for (const { id } of (await loadTrust(dir)).keys) {
    const secret = keyMaterial(await readPrivateKey(id));
    const found = secret && files.find(({ bytes }) => Buffer.from(bytes).includes(secret));
    if (found) throw new BootlaceError("E_KEY_IN_BUNDLE", `${found.path} holds the private key ${id}`);
  }
}

/** The base64 between PEM's first line and its last: one line for Ed25519. */
function keyMaterial(pem: string | undefined): string | undefined {
  return pem && /-----\s+([A-Za-z0-9+/=]{60,})\s+-----/.exec(pem)?.[1];
}

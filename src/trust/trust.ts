import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { BootlaceError } from "../../stage2/index.ts";
import { fileSigner } from "./private-keys.ts";
import type { Signer } from "./signer.ts";
import { parseTrustFile, type TrustedKey, trustFileText } from "./trusted-key.ts";

/** The keys of a project: one, or the old and the new one while they change. */
export interface Trust {
  /** Sorted by epochs, the oldest first. */
  readonly keys: readonly TrustedKey[];
  /** What pointers are to say: the last epoch that each key may sign. 0 without keys. */
  readonly epoch: number;
  /** One for each key. @throws {BootlaceError} `E_NO_KEY`, `E_KEY_MISSING`, `E_KEY_FILE`, `E_KMS`. */
  signers(): Promise<readonly Signer[]>;
}

/** Folder of the trust files in a project. */
export function trustFolder(dir: string): string {
  return join(dir, "trust");
}

/**
 * Reads the keys that a project trusts; private keys are touched by `signers()` alone.
 *
 * @param dir Folder of the project.
 * @throws {BootlaceError} `E_TRUST_FILE`.
 */
export async function loadTrust(dir: string): Promise<Trust> {
  const folder = trustFolder(dir);
  const names = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return [];
    throw new BootlaceError("E_TRUST_FILE", `${folder} cannot be read: ${error.message}`, { cause: error });
  });
  const files = names.filter((name) => name.endsWith(".pem")).map((name) => join(folder, name));
  const keys = await Promise.all(files.map(async (file) => parseTrustFile(await readFile(file, "utf8"), file)));
  keys.sort((a, b) => a.to - b.to || a.from - b.from || (a.id < b.id ? -1 : 1));
  if (keys.length > 4) {
    throw new BootlaceError("E_TRUST_FILE", `${folder} holds ${keys.length} keys, a pointer has room for 4 signatures`);
  }
  const epoch = keys[0]?.to ?? 0;
  const idle = keys.find((key) => key.from > epoch);
  if (idle) {
    throw new BootlaceError(
      "E_TRUST_FILE",
      `${folder}: the key ${idle.id} is for epochs ${idle.from}-${idle.to}, and the oldest key ends with epoch ${epoch}`,
      { hint: "Let epochs overlap, as `bootlace key rotate` does." },
    );
  }
  return { keys, epoch, signers: () => signersOf(dir, keys) };
}

/** The trust files as a bundle brings them to machines; none for a project without keys. */
export async function trustFiles(dir: string): Promise<readonly { readonly path: string; readonly content: string }[]> {
  const { keys } = await loadTrust(dir);
  return keys.map((key) => ({ path: `trust/${key.id}.pem`, content: trustFileText(key) }));
}

async function signersOf(dir: string, keys: readonly TrustedKey[]): Promise<readonly Signer[]> {
  if (keys.length === 0) {
    throw new BootlaceError("E_NO_KEY", `The project has no key to sign with: ${trustFolder(dir)} holds none`, {
      hint: "Make one with `bootlace key new`, and commit what it puts into trust/.",
    });
  }
  return Promise.all(
    keys.map(async ({ id, kms }) => {
      if (kms === undefined) return fileSigner(id);
      const { kmsSigner } = await import("./kms-signer.ts");
      return kmsSigner(id, kms);
    }),
  );
}

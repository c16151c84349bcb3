import { chmod, chown, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";

/** Where shadow-utils and pam_pwhistory keep hashes of passwords, the copies of the last change too: shadow(5), gshadow(5). */
const HASHED = ["etc/shadow", "etc/shadow-", "etc/gshadow", "etc/gshadow-"];
const OLD_PASSWORDS = "etc/security/opasswd";
/** No password, in the ways of shadow(5) and gshadow(5) that hold no hash. */
const HASHLESS = /^[*!]*$/;

/**
 * Puts copies of a root's password files into a layer over it, without the passwords. A tool that adds a user writes the
 * whole file anew, and with it everybody's hash into the image.
 *
 * @param layer has `etc` already.
 */
export async function maskHashes(layer: string, root: string): Promise<void> {
  for (const name of HASHED) await copy(layer, root, name, withoutHashes);
  await copy(layer, root, OLD_PASSWORDS, () => "");
}

/** The second field is the password's: `*` where it holds a hash, or nothing, which would let anybody in. */
export function withoutHashes(text: string): string {
  return text
    .split("\n")
    .map((line) => {
      const [name = "", password, ...rest] = line.split(":");
      if (password === undefined) return line === "" ? "" : name;
      return [name, password !== "" && HASHLESS.test(password) ? password : "*", ...rest].join(":");
    })
    .join("\n");
}

async function copy(layer: string, root: string, name: string, change: (text: string) => string): Promise<void> {
  const from = await stat(join(root, name)).catch(() => undefined);
  if (from === undefined) return;
  const to = join(layer, name);
  await writeFile(to, Buffer.from(change(await readFile(join(root, name), "latin1")), "latin1"), { mode: 0o600 });
  await chown(to, from.uid, from.gid);
  await chmod(to, from.mode & 0o7777);
}

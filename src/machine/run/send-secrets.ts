import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { BootlaceError } from "../../../stage2/index.ts";
import type { LoadedProject } from "../../project/loaded.ts";
import { Hidden } from "../../session/hidden.ts";
import type { Session } from "../../session/session.ts";

/** A service's secret at the desk. */
export class SecretValue extends Hidden<Buffer> {
  readonly service: string;
  readonly name: string;

  constructor(service: string, name: string, value: Buffer) {
    super(value);
    this.service = service;
    this.name = name;
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
      { hint: `Set it: export ${source.slice(4)}=…` },
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

/** Exit of {@link WRITE} when the machine has no place for secrets; none of the tools in it ends so. */
const NO_PLACE = 91;

/**
 * Chooses the folder that the runner looks in, as stage2/rim/memory.ts does: the first that is in memory, and nobody's
 * but ours to write in. Written beside and renamed, so that a runner reads a whole secret or none.
 */
const WRITE = `
set -eu
umask 077
ours() {
  mkdir -m 755 "$1" 2>/dev/null || :
  [ -d "$1" ] && [ ! -L "$1" ] || return 1
  case $(stat -c %u:%a "$1") in "$(id -u)":*[2367]? | "$(id -u)":*[2367]) return 1 ;; "$(id -u)":*) ;; *) return 1 ;; esac
  case $(stat -f -c %T "$1") in tmpfs | ramfs) ;; *) return 1 ;; esac
}
memory=
for folder in /run/bootlace /dev/shm/bootlace; do
  if ours "$folder"; then
    memory=$folder
    break
  fi
done
[ -n "$memory" ] || exit ${NO_PLACE}
mkdir -p "$memory/secrets/$1"
file=$memory/secrets/$1/$2
rm -f "$file.new"
cat >"$file.new"
chmod 0400 "$file.new"
mv -f "$file.new" "$file"
`;

/**
 * Puts secrets into the machine's memory, by stdin; they are gone with its boot.
 *
 * @throws {BootlaceError} `E_SECRET_SOURCE` when neither /run nor /dev/shm of the machine can take them.
 */
export async function sendSecrets(session: Session, secrets: readonly SecretValue[]): Promise<void> {
  for (const secret of secrets) {
    const argv = ["sh", "-c", WRITE, "bootlace-secret", secret.service, secret.name];
    const sent = await session.exec(argv, { stdin: secret.reveal() });
    if (sent.exit === NO_PLACE)
      throw new BootlaceError(
        "E_SECRET_SOURCE",
        `${session.target}: the secret ${secret.service}.${secret.name} was not sent: expected /run/bootlace or /dev/shm/bootlace on a tmpfs, root's and writable for nobody else`,
        {
          hint: "Look there with `ls -ld` and `stat -f`; remove what another user has put there, or mount a tmpfs on /run.",
        },
      );
    if (sent.exit !== 0)
      throw new BootlaceError(
        "E_REMOTE_COMMAND",
        `${session.target}: writing the secret ${secret.service}.${secret.name} ended with exit ${sent.exit}: ${sent.stderr.trim().slice(-2000)}`,
      );
  }
}

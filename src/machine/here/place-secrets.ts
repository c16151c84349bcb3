import { mkdir, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { BootlaceError, memoryFolder, type Paths } from "../../../stage2/index.ts";
import type { SecretValue } from "../run/send-secrets.ts";

/**
 * Puts the desk's secrets where a session would: on tmpfs, gone with the boot. A run that reads one at the same time
 * sees the old value or the new one.
 *
 * @throws {BootlaceError} `E_STATE` where the machine has no folder in memory.
 */
export async function placeSecrets(secrets: readonly SecretValue[], paths: Paths): Promise<void> {
  if (secrets.length === 0) return;
  const memory = memoryFolder(paths);
  if (memory === undefined) {
    throw new BootlaceError(
      "E_STATE",
      `Neither ${paths.volatile} nor /dev/shm is a tmpfs: there is no place for secrets`,
    );
  }
  for (const secret of secrets) {
    const folder = join(memory, "secrets", secret.service);
    const beside = join(folder, `.${secret.name}.new-${process.pid}`);
    await mkdir(folder, { recursive: true, mode: 0o700 });
    await rm(beside, { force: true });
    await writeFile(beside, secret.reveal(), { mode: 0o400, flag: "wx" });
    await rename(beside, join(folder, secret.name));
  }
}

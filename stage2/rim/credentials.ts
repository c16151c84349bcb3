import {
  chmodSync,
  chownSync,
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import type { Service } from "../types/service.ts";
import { memoryFolder } from "./memory.ts";
import type { Paths } from "./paths.ts";
import type { User } from "./users.ts";

export type Credentials =
  | { readonly ok: true; readonly dir: string | undefined; readonly values: readonly Uint8Array[] }
  | { readonly ok: false; readonly why: string };

/**
 * Puts the secrets that a phase may see into files of its user: folder 0500, file 0400, on tmpfs or not at all.
 *
 * @param phase as in `secrets.<name>.phases`.
 */
export function placeCredentials(paths: Paths, run: string, service: Service, phase: string, user: User): Credentials {
  const names = Object.entries(service.secrets).filter(([, secret]) => secret.phases.some((one) => one === phase));
  if (names.length === 0) return { ok: true, dir: undefined, values: [] };
  const memory = memoryFolder(paths);
  if (memory === undefined) {
    return {
      ok: false,
      why: `neither ${paths.volatile} nor /dev/shm is a tmpfs of ours, so its secrets cannot be handed over`,
    };
  }
  const found = names.map(([name, secret]) => [name, readSecret(memory, service.name, name, secret.source)] as const);
  const missing = found.filter(([, value]) => value === undefined).map(([name]) => name);
  if (missing.length > 0) return { ok: false, why: `its secret ${missing.join(", ")} is not on this machine` };

  const dir = join(memory, "cred", run, service.name);
  rmSync(dir, { recursive: true, force: true });
  mkdirSync(dir, { recursive: true, mode: 0o711 });
  for (const [name, value = Buffer.alloc(0)] of found) {
    const file = join(dir, name);
    const fd = openSync(file, "wx", 0o400);
    for (let at = 0; at < value.length; ) at += writeSync(fd, value, at);
    closeSync(fd);
    if (process.getuid?.() === 0) chownSync(file, user.uid, user.gid);
  }
  if (process.getuid?.() === 0) chownSync(dir, user.uid, user.gid);
  chmodSync(dir, 0o500);
  return { ok: true, dir, values: found.flatMap(([, value]) => value ?? []) };
}

/** Removes what {@link placeCredentials} has put. */
export function removeCredentials(dir: string): void {
  rmSync(dir, { recursive: true, force: true });
}

/** Removes what an earlier run that was killed has left. */
export function removeAllCredentials(paths: Paths): void {
  const memory = memoryFolder(paths);
  if (memory !== undefined) rmSync(join(memory, "cred"), { recursive: true, force: true });
}

/** What the desk sent for this boot goes before what the machine itself has. */
function readSecret(memory: string, service: string, name: string, source: string | undefined): Buffer | undefined {
  const sent = join(memory, "secrets", service, name);
  if (existsSync(sent)) return readFileSync(sent);
  const file = source?.startsWith("file:") ? source.slice("file:".length) : undefined;
  return file !== undefined && existsSync(file) ? readFileSync(file) : undefined;
}

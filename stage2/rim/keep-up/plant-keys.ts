import { createHash, createPublicKey } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { readKeyValues } from "../facts.ts";
import type { Paths } from "../paths.ts";
import { writeDurably } from "../write-durably.ts";

/**
 * Brings the public keys of a bundle (`trust/<id>.pem`, docs/trust.md) to where stage1 looks for them, so that a new key
 * comes in a bundle that the old one signed. Adds and widens, never takes away: stage1 does that when an epoch ends.
 * A key whose epochs are over for this machine stays out, whatever an older bundle says.
 *
 * @returns ids of the keys that were added or widened.
 */
export function plantKeys(paths: Paths, bundleDir: string, project: string): string[] {
  const from = join(bundleDir, "trust");
  if (!existsSync(from)) return [];
  const floor = highestEpoch(paths, project);
  return readdirSync(from)
    .filter((name) => /^[0-9a-f]{16}\.pem$/.test(name))
    .flatMap((name) => {
      const text = readFileSync(join(from, name), "utf8");
      const target = join(paths.trustedKeys, name);
      const until = lastEpoch(text);
      if (idOf(text) !== name.slice(0, 16)) return [];
      if (until < floor || (existsSync(target) && lastEpoch(readFileSync(target, "utf8")) >= until)) return [];
      mkdirSync(paths.trustedKeys, { recursive: true, mode: 0o755 });
      writeDurably(target, text);
      return [name.slice(0, 16)];
    });
}

/** First 16 hex digits of the SHA-256 of the DER SubjectPublicKeyInfo; undefined for what is no public key. */
function idOf(text: string): string | undefined {
  try {
    const der = createPublicKey(text.slice(text.indexOf("-----BEGIN "))).export({ type: "spki", format: "der" });
    return createHash("sha256").update(der).digest("hex").slice(0, 16);
  } catch {
    return undefined;
  }
}

function lastEpoch(text: string): number {
  return Number(/^epochs=\d+-(\d+)$/m.exec(text)?.[1] ?? 0);
}

/** Of all pointers that this machine has accepted for the project. */
function highestEpoch(paths: Paths, project: string): number {
  if (!existsSync(paths.acceptedPointers)) return 0;
  const epochs = readdirSync(paths.acceptedPointers)
    .filter((name) => name.startsWith(`${project}.`))
    .map((name) => Number(readKeyValues(join(paths.acceptedPointers, name)).get("epoch") ?? 0));
  return Math.max(0, ...epochs);
}

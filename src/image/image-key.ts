import { createHash } from "node:crypto";
import type { Service } from "../../stage2/index.ts";
import { canonicalJson } from "../bundle/canonical-json.ts";
import { SEAL_VERSION } from "../seal/hygiene.ts";

export interface KeyInput {
  readonly provider: string;
  readonly arch: string;
  /** Digest of what the base is now. */
  readonly base: string;
  /** Bytes, where the project says it: an image does not shrink. */
  readonly disk?: number | undefined;
  /** What the provider's settings change in the image itself: encryption, volumes. Absent: nothing is said of them. */
  readonly settings?: Readonly<Record<string, unknown>> | undefined;
  readonly roots: readonly string[];
  readonly closure: readonly Service[];
  /** SHA-256 (hex) of stage2.mjs. */
  readonly runner: string;
  /** Digest, or `system`. */
  readonly runtime: string;
  /** Milliseconds: after this an unchanged image is built again, or security updates would never arrive. */
  readonly maxAge: number;
  /** Milliseconds since 1970. */
  readonly now: number;
}

export interface ImageKey {
  readonly key: string;
  readonly parts: Readonly<Record<string, unknown>>;
}

/**
 * The key of an image, as docs/images.md has it: equal keys, equal image. A service's digest covers its definition,
 * its params, artifacts and repositories and every file; the bundle does not count, since it holds other services too.
 */
export function makeImageKey(input: KeyInput): ImageKey {
  const { provider, arch, base, disk, settings, roots, closure, runner, runtime, maxAge, now } = input;
  const parts = {
    format: 1,
    seal: SEAL_VERSION,
    provider,
    arch,
    base,
    ...(disk === undefined ? {} : { disk }),
    ...(settings === undefined ? {} : { settings }),
    roots: [...roots].sort(),
    services: Object.fromEntries(closure.map((service) => [service.name, service.digest])),
    runner,
    runtime,
    period: Math.floor(now / maxAge),
  };
  return { key: createHash("sha256").update(canonicalJson(parts)).digest("hex"), parts };
}

/** Names of the parts in which two keys differ: why an image is built again. */
export function changedParts(
  before: Readonly<Record<string, unknown>>,
  after: Readonly<Record<string, unknown>>,
): readonly string[] {
  const names = new Set([...Object.keys(before), ...Object.keys(after)]);
  return [...names].filter((name) => canonicalJson(before[name]) !== canonicalJson(after[name])).sort();
}

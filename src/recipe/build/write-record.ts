import { hostname } from "node:os";
import { VERSION } from "../../cli/version.ts";
import { type ImageRecord, imageName, imagesFolder } from "../../image/image-record.ts";
import { alterRecord } from "../../image/records/alter-record.ts";
import { type Captured, layersOf } from "../../machine/machine.ts";
import type { BuildStart, Sealed } from "./build-context.ts";

/** What the capture of an image added to what was known before. */
export interface Ended {
  readonly state: "good" | "quarantined";
  readonly captured: Captured;
  readonly ports?: readonly string[];
  readonly reason?: string;
  readonly logs?: string;
}

/**
 * Writes the record before anything of the image is made. A build that goes on, or takes its capture again, has one.
 *
 * @throws {BootlaceError} what the records throw: no image is made that could not be recorded.
 */
export async function beginRecord({
  dir,
  provider,
  plan,
  imageId,
  began,
  ...sealed
}: BuildStart & Sealed): Promise<void> {
  const { records, parent } = plan;
  const own = { name: plan.image, id: imageId };
  const now = Date.now();
  if (await records.get(own.name, own.id)) {
    await alterRecord(records, own, ({ times }) => ({ state: "building", times: { began: times.began ?? began } }));
    return;
  }
  await records.add({
    format: 3,
    revision: 1,
    ...own,
    state: "building",
    provenance: "built",
    desk: { host: hostname(), dir },
    created: now,
    times: { began },
    provider: provider.name,
    arch: plan.arch,
    key: plan.key.key,
    keyParts: plan.key.parts,
    ...(parent ? { parent: { name: parent.name, id: parent.id } } : {}),
    base: parent ? imageName(parent) : plan.baseState,
    lineage: lineageOf({ plan, imageId }),
    roots: plan.roots,
    services: plan.closure.map(({ name, digest }) => ({ name, digest })),
    params: plan.notes,
    secrets: plan.closure.flatMap(({ name, secrets }) => Object.keys(secrets).map((secret) => `${name}.${secret}`)),
    bundle: plan.bundle.digest,
    runtime: plan.runtime === "system" ? "system" : plan.runtime.digest,
    builder: VERSION,
    packages: sealed.packages,
    inventory: { ...sealed.inventory, ports: [] },
    origin: {},
    layers: [],
    copies: [],
    tags: {},
  });
}

/** A line begins with the first image that was made from no other. */
export const lineageOf = ({ plan, imageId }: Pick<BuildStart, "plan" | "imageId">): string =>
  plan.parent?.lineage ?? imageName({ name: plan.image, id: imageId });

/** Writes what came of it. */
export function endRecord({ dir, plan, imageId }: BuildStart, ended: Ended): Promise<ImageRecord> {
  const { state, captured, ports, reason, logs } = ended;
  const at = Date.now();
  const bytes = captured.layer?.bytes ?? captured.bytes;
  return alterRecord(plan.records, { name: plan.image, id: imageId }, ({ times, inventory }) => ({
    state,
    ...(state === "good" ? { created: at } : {}),
    times: { ...times, captured: times.captured ?? at, ...(state === "good" ? { proven: at } : {}) },
    ...(inventory && ports ? { inventory: { ...inventory, ports } } : {}),
    origin: captured.origin,
    layers: layersOf(captured).map(({ digest, bytes, file }) => ({
      digest,
      bytes,
      file: file.slice(imagesFolder(dir).length + 1),
    })),
    ...(bytes === undefined ? {} : { bytes }),
    reason,
    logs,
  }));
}

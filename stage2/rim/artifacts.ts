import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { ArchiveError } from "../archive/archive-error.ts";
import type { Facts } from "../types/facts.ts";
import type { Artifact, Service } from "../types/service.ts";
import { fileName, type Paths } from "./paths.ts";
import { PlaceError } from "./unpack/open-folder.ts";
import { placeArchive, placeFile } from "./unpack/place.ts";
import { removeLeftStaging } from "./unpack/staging.ts";
import { findUser } from "./users.ts";
import { writeDurably } from "./write-durably.ts";

/** The blob of an artifact for this machine. */
export function blobFor(artifact: Artifact, facts: Facts): { digest: string; bytes: number } | undefined {
  return artifact.blobs[facts.arch] ?? artifact.blobs.any;
}

/**
 * Puts a service's artifacts in their places, where they are not there yet. What was put is remembered beside the
 * service's state, so that a boot with nothing new touches nothing.
 *
 * @returns what is wrong, or undefined.
 */
export async function placeArtifacts(paths: Paths, service: Service, facts: Facts): Promise<string | undefined> {
  if (service.artifacts.length === 0) return undefined;
  const mark = join(paths.state, `.artifacts~${fileName(service.name)}`);
  const note = join(paths.state, `.placing~${fileName(service.name)}`);
  removeLeftStaging(note);
  const placed: Record<string, string> = existsSync(mark) ? JSON.parse(readFileSync(mark, "utf8")) : {};
  for (const artifact of service.artifacts) {
    const blob = blobFor(artifact, facts);
    if (blob === undefined) return `its artifact ${artifact.name} is not made for ${facts.arch}`;
    const { kind, to, user: login, mode } = artifact;
    const key = JSON.stringify([blob.digest, kind, to, login ?? "", mode ?? ""]);
    if (placed[artifact.name] === key && existsSync(artifact.to)) continue;
    const from = join(paths.artifacts, blob.digest);
    if (!existsSync(from)) return `its artifact ${artifact.name} (${blob.digest.slice(0, 12)}) has not been fetched`;
    const user = artifact.user === undefined ? undefined : findUser(artifact.user);
    if (artifact.user !== undefined && user === undefined)
      return `there is no user ${artifact.user} for its artifact ${artifact.name}`;
    mkdirSync(paths.state, { recursive: true });
    const failure = await place(artifact, { from, to: artifact.to, owner: user, note });
    if (failure !== undefined) return failure;
    placed[artifact.name] = key;
    writeDurably(mark, JSON.stringify(placed));
  }
  return undefined;
}

async function place(artifact: Artifact, placing: Parameters<typeof placeArchive>[0]): Promise<string | undefined> {
  try {
    if (artifact.kind === "file") await placeFile(placing, artifact.mode ?? 0o644);
    else await placeArchive(placing);
    return undefined;
  } catch (error) {
    const told = error instanceof ArchiveError || error instanceof PlaceError;
    // What the disk refuses (no space, read-only) has a code; anything else is a fault of ours.
    if (!told && !(error instanceof Error && "code" in error)) throw error;
    const doing = artifact.kind === "file" ? "put in its place" : "unpacked";
    return `its artifact ${artifact.name} cannot be ${doing}: ${error.message}`;
  }
}

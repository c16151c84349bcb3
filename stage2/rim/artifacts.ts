import { execFile } from "node:child_process";
import {
  chmodSync,
  chownSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import type { Facts } from "../types/facts.ts";
import type { Artifact, Service } from "../types/service.ts";
import { fileName, type Paths } from "./paths.ts";
import { findUser } from "./users.ts";

const run = promisify(execFile);

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
  const placed = existsSync(mark) ? (JSON.parse(readFileSync(mark, "utf8")) as Record<string, string>) : {};
  for (const artifact of service.artifacts) {
    const blob = blobFor(artifact, facts);
    if (blob === undefined) return `its artifact ${artifact.name} is not made for ${facts.arch}`;
    const key = `${blob.digest} ${artifact.to}`;
    if (placed[artifact.name] === key && existsSync(artifact.to)) continue;
    const from = join(paths.artifacts, blob.digest);
    if (!existsSync(from)) return `its artifact ${artifact.name} (${blob.digest.slice(0, 12)}) has not been fetched`;
    const user = artifact.user === undefined ? undefined : findUser(artifact.user);
    if (artifact.user !== undefined && user === undefined)
      return `there is no user ${artifact.user} for its artifact ${artifact.name}`;
    const failure = artifact.kind === "file" ? placeFile(artifact, from, user) : await unpack(artifact, from, user);
    if (failure !== undefined) return failure;
    placed[artifact.name] = key;
    mkdirSync(paths.state, { recursive: true });
    writeFileSync(`${mark}.new`, JSON.stringify(placed));
    renameSync(`${mark}.new`, mark);
  }
  return undefined;
}

type Owner = { readonly uid: number; readonly gid: number } | undefined;

function placeFile(artifact: Artifact, from: string, owner: Owner): undefined {
  mkdirSync(dirname(artifact.to), { recursive: true });
  const beside = `${artifact.to}.bootlace-new`;
  copyFileSync(from, beside);
  chmodSync(beside, artifact.mode ?? 0o644);
  if (owner !== undefined) chownSync(beside, owner.uid, owner.gid);
  renameSync(beside, artifact.to);
}

async function unpack(artifact: Artifact, from: string, owner: Owner): Promise<string | undefined> {
  mkdirSync(artifact.to, { recursive: true });
  try {
    await run("tar", ["-xzf", from, "-C", artifact.to, "--no-same-owner"]);
    if (owner !== undefined) await run("chown", ["-R", `${owner.uid}:${owner.gid}`, artifact.to]);
    return undefined;
  } catch (error) {
    return `its artifact ${artifact.name} cannot be unpacked: ${error instanceof Error ? error.message : error}`;
  }
}

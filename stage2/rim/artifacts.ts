import { spawn } from "node:child_process";
import { once } from "node:events";
import {
  chownSync,
  closeSync,
  existsSync,
  fchmodSync,
  fchownSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { dirname, join } from "node:path";
import type { Facts } from "../types/facts.ts";
import type { Artifact, Service } from "../types/service.ts";
import { fileName, type Paths } from "./paths.ts";
import { asUser, findUser, type User } from "./users.ts";

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

/** The folder may belong to the service's user: nothing is followed there, and owner and mode are set on what we made. */
function placeFile(artifact: Artifact, from: string, owner: Owner): undefined {
  mkdirSync(dirname(artifact.to), { recursive: true });
  const beside = `${artifact.to}.bootlace-new`;
  rmSync(beside, { recursive: true, force: true });
  const fd = openSync(beside, "wx", 0o600);
  try {
    copyInto(fd, from);
    if (owner !== undefined) fchownSync(fd, owner.uid, owner.gid);
    fchmodSync(fd, artifact.mode ?? 0o644);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
  renameSync(beside, artifact.to);
}

function copyInto(fd: number, from: string): void {
  const source = openSync(from, "r");
  const chunk = Buffer.allocUnsafe(1 << 20);
  try {
    for (let count = readSync(source, chunk); count > 0; count = readSync(source, chunk)) {
      for (let done = 0; done < count; ) done += writeSync(fd, chunk, done, count - done);
    }
  } finally {
    closeSync(source);
  }
}

/** Unpacks as the user whom the files are for: links that this user plants lead nowhere that it may not write. */
async function unpack(artifact: Artifact, from: string, user: User | undefined): Promise<string | undefined> {
  if (!existsSync(artifact.to)) {
    mkdirSync(artifact.to, { recursive: true });
    if (user !== undefined) chownSync(artifact.to, user.uid, user.gid);
  }
  const blob = openSync(from, "r");
  const [program = "tar", ...words] = [
    ...(user === undefined ? [] : asUser(user)),
    "tar",
    "-xzf",
    "-",
    "-C",
    artifact.to,
    "--no-same-owner",
  ];
  const child = spawn(program, words, {
    stdio: [blob, "ignore", "pipe"],
    env: { PATH: "/usr/sbin:/usr/bin:/sbin:/bin" },
  });
  closeSync(blob);
  let stderr = "";
  child.stderr?.on("data", (text) => {
    stderr += text;
  });
  const [status] = await once(child, "close");
  return status === 0
    ? undefined
    : `its artifact ${artifact.name} cannot be unpacked: ${stderr.trim().slice(-500) || `tar exits ${status}`}`;
}

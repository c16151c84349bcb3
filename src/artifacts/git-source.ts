import { createHash, randomBytes } from "node:crypto";
import { mkdtemp, open, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { Gzip } from "fflate";
import { syncFolder } from "../store/write-blob.ts";
import { makeArtifactCache } from "./cache.ts";
import type { Downloaded } from "./download.ts";
import { ARTIFACT_BYTES, FetchFailure, type Fetching, TooLong } from "./fetching.ts";
import { gitTree } from "./git-tree.ts";
import type { RemoteSource } from "./remote-source.ts";
import { runGit } from "./run-git.ts";

type GitSource = Extract<RemoteSource, { kind: "git" }>;

/**
 * Fetches one commit and makes a tar.gz of its files: of the blobs as they are, without attributes, filters and
 * submodules, so that the same commit is the same archive whoever makes it, with whatever git.
 *
 * @throws {FetchFailure}
 */
export async function fetchGit({ url, commit }: GitSource, { signal, onBytes }: Fetching): Promise<Downloaded> {
  const cache = await makeArtifactCache();
  const dir = await mkdtemp(join(cache, "git-"));
  try {
    const run = { dir, signal, protocols: /^git\+file:|^file:/.test(url) ? "file" : "https:ssh" };
    await runGit(["init", "--quiet", "--bare", "--template="], run);
    await fetchCommit(url, commit, { ...run, ssh: await patientSsh(run) });
    return await pack(cache, gitTree(commit, run), onBytes);
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

/**
 * ssh(1) waits without end for a host that does not answer, or that went away; http.lowSpeedTime is for https alone. The
 * user's own command counts, from the environment (GIT_SSH would be passed over for ours) or from git's settings.
 */
async function patientSsh(run: Parameters<typeof runGit>[1]): Promise<string | undefined> {
  if (process.env.GIT_SSH !== undefined || process.env.GIT_SSH_COMMAND !== undefined) return undefined;
  const set = await runGit(["config", "--default", "", "--get", "core.sshCommand"], run);
  if (set.toString().trim() !== "") return undefined;
  return "ssh -oBatchMode=yes -oConnectTimeout=10 -oServerAliveInterval=15";
}

/** Many servers give out a commit by its name alone; with the others it takes all branches and tags. */
async function fetchCommit(url: string, commit: string, run: Parameters<typeof runGit>[1]): Promise<void> {
  const quiet = ["fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--no-recurse-submodules"];
  try {
    await runGit([...quiet, "--depth=1", "--", url, commit], run);
  } catch (error) {
    run.signal?.throwIfAborted();
    const refs = ["+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*"];
    await runGit([...quiet, "--", url, ...refs], run).catch(() => {
      throw error;
    });
  }
  await runGit(["cat-file", "-e", `${commit}^{commit}`], run).catch((cause) => {
    throw new FetchFailure(`${url} has no commit ${commit}`, { again: false, cause });
  });
}

/** Bytes. The packer's output depends also on how its input is cut, so this may not change. */
const PIECE = 1 << 20;

/** The same bytes in pieces of equal length; the last is shorter, and may be empty. */
async function* inPieces(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let piece = Buffer.alloc(PIECE);
  let filled = 0;
  for await (const chunk of source) {
    for (let taken = 0; taken < chunk.length; ) {
      const part = chunk.subarray(taken, taken + PIECE - filled);
      piece.set(part, filled);
      taken += part.length;
      filled += part.length;
      if (filled < PIECE) continue;
      yield piece;
      piece = Buffer.alloc(PIECE);
      filled = 0;
    }
  }
  yield piece.subarray(0, filled);
}

async function pack(cache: string, tar: AsyncIterable<Uint8Array>, onBytes: Fetching["onBytes"]): Promise<Downloaded> {
  const part = join(cache, `git-${randomBytes(8).toString("hex")}.${process.pid}.part`);
  const handle = await open(part, "wx", 0o600);
  const hash = createHash("sha256");
  let bytes = 0;
  const ready: Uint8Array[] = [];
  // RFC 1952 with no time and no name, by a packer whose output depends on the input alone: see src/bundle/gzip.ts.
  const gzip = new Gzip({ level: 6, mtime: 0 }, (chunk) => ready.push(chunk));
  const drain = async (): Promise<void> => {
    for (const chunk of ready.splice(0)) {
      hash.update(chunk);
      await handle.appendFile(chunk);
      bytes += chunk.length;
    }
    if (bytes > ARTIFACT_BYTES) throw new TooLong(bytes, ARTIFACT_BYTES);
    onBytes?.(bytes, undefined);
  };
  try {
    for await (const piece of inPieces(tar)) {
      gzip.push(piece, piece.length < PIECE);
      await drain();
    }
    await handle.sync();
    await handle.close();
    const digest = hash.digest("hex");
    const file = join(cache, digest);
    await rename(part, file);
    await syncFolder(cache);
    return { digest, bytes, file };
  } catch (error) {
    await handle.close().catch(() => {});
    await rm(part, { force: true });
    throw error;
  }
}

import { type FileHandle, open, readdir, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { syncFolder } from "../store/write-blob.ts";
import { makeArtifactCache } from "./cache.ts";
import { ARTIFACT_BYTES, Changed, FetchFailure, type Fetching, type Open, TooLong } from "./fetching.ts";
import { hashStream } from "./hash-file.ts";
import type { Locked } from "./lock-file.ts";

const TRIES = 5;

export interface Downloaded extends Locked {
  readonly file: string;
}

/**
 * Streams a source into the cache and names it by its digest. A connection that breaks is taken up where it was, also by
 * a later process where the digest is known beforehand, since then what was put together can be proven.
 *
 * @param part Name of the partial file, the same for the same source and digest.
 * @returns what came, which may be something else than was expected.
 * @throws {FetchFailure} when the source does not give it, or gives more than it may.
 */
export async function download(
  source: Open,
  part: string,
  expected: Locked | undefined,
  fetching: Fetching,
): Promise<Downloaded> {
  const { signal, pause = (ms: number) => setTimeout(ms, undefined, signal ? { signal } : {}) } = fetching;
  const cache = await makeArtifactCache();
  const file = await ownPart(cache, part, expected !== undefined);
  const state: State = { file, here: (await stat(file).catch(() => undefined))?.size ?? 0, version: undefined };
  const limit = expected?.bytes ?? ARTIFACT_BYTES;
  let resumed = state.here > 0;
  for (let tries = 1; ; tries++) {
    try {
      if (state.here > limit) state.here = 0;
      // A kill between the last byte and the rename leaves all of it.
      if (state.here !== expected?.bytes || state.here === 0) await append(source, state, limit, fetching);
      const got = await hashStream(file);
      if (!resumed || got.digest === expected?.digest) return await keep(cache, file, got);
      // What an earlier process left was of other bytes: once more from the beginning.
      resumed = false;
      state.here = 0;
    } catch (error) {
      signal?.throwIfAborted();
      const failure = asFailure(error);
      // Without a digest or a name for these very bytes, nobody knows whether the rest would fit.
      const isProvable = expected !== undefined || state.version !== undefined;
      if (!isProvable || failure instanceof Changed) state.here = 0;
      if (!failure.again || tries >= TRIES) {
        if (!failure.again || expected === undefined) await rm(file, { force: true });
        throw failure;
      }
      await pause(2 ** (tries - 1) * 500 * (1 + Math.random()));
    }
  }
}

interface State {
  readonly file: string;
  /** Bytes of the file that count. */
  here: number;
  /** Of these bytes, as the source names it. */
  version: string | undefined;
}

async function append(source: Open, state: State, limit: number, { signal, onBytes }: Fetching): Promise<void> {
  const opened = await source(state.here, state.version, signal);
  let handle: FileHandle | undefined;
  try {
    if ((opened.bytes ?? 0) > limit) throw new TooLong(opened.bytes ?? 0, limit);
    if (opened.from !== 0 && state.version !== undefined && opened.version !== state.version) {
      throw new Changed();
    }
    state.here = opened.from;
    state.version = opened.version;
    handle = await open(state.file, opened.from === 0 ? "w" : "r+", 0o600);
    for await (const chunk of opened.body) {
      const bytes: Buffer = chunk;
      if (state.here + bytes.length > limit) throw new TooLong(state.here + bytes.length, limit);
      for (let done = 0; done < bytes.length; ) {
        const { bytesWritten } = await handle.write(bytes, done, bytes.length - done, state.here);
        done += bytesWritten;
        state.here += bytesWritten;
      }
      onBytes?.(state.here, opened.bytes);
    }
    if (opened.bytes !== undefined && state.here < opened.bytes)
      throw new FetchFailure(`the connection ended after ${state.here} of ${opened.bytes} bytes`, { again: true });
    await handle.truncate(state.here);
    await handle.sync();
  } finally {
    opened.body.destroy();
    await handle?.close();
  }
}

async function keep(cache: string, file: string, got: Locked): Promise<Downloaded> {
  const to = join(cache, got.digest);
  await rename(file, to);
  await syncFolder(cache);
  return { ...got, file: to };
}

/** A partial file that no other living process writes to; what a dead one left is taken over where it can be used. */
async function ownPart(cache: string, part: string, canResume: boolean): Promise<string> {
  const mine = join(cache, `${part}.${process.pid}.part`);
  for (const name of await readdir(cache)) {
    const [, owner = ""] = name.startsWith(`${part}.`) ? (/\.(\d+)\.part$/.exec(name) ?? []) : [];
    if (owner === "" || Number(owner) === process.pid || isAlive(Number(owner))) continue;
    // Two may try: the rename of one fails.
    if (canResume) await rename(join(cache, name), mine).catch(() => {});
    else await rm(join(cache, name), { force: true });
  }
  return mine;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
}

function asFailure(error: unknown): FetchFailure {
  if (error instanceof FetchFailure) return error;
  const { message, code, path } = error as NodeJS.ErrnoException;
  // What the desk's own disk refuses does not get better by asking again.
  const own = path !== undefined || code === "ENOSPC" || code === "EDQUOT";
  return new FetchFailure(message, { again: !own, cause: error });
}

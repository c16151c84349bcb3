import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { type FileHandle, open, rm, stat } from "node:fs/promises";
import { request as httpRequest, type IncomingMessage } from "node:http";
import { request as httpsRequest } from "node:https";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { BootlaceError } from "../../../stage2/index.ts";
import { throwIfAborted } from "../../session/abort.ts";
import { withFileLock } from "../file-lock.ts";
import type { Base } from "../machine.ts";
import { readJson, writeJson } from "../machine-folder.ts";
import { cachedDisk, makeCacheFolder } from "./cache.ts";
import { fileBase, inspect, keepDisk } from "./file-base.ts";
import type { BaseDisk } from "./qemu-spec.ts";

type UrlBase = Base & { readonly kind: "url" };

const TRIES = 6;
const REDIRECTS = 5;
/** Milliseconds without a byte after which a connection counts as dead. */
const IDLE = 30_000;

export interface FetchOptions {
  /** Waits before the next try, milliseconds; a test's is shorter. */
  readonly pause?: (ms: number) => Promise<void>;
}

/**
 * A disk image from an address, once: then it is in the cache under its digest. A connection that breaks is taken up
 * where it was, also by a later command, since the digest proves what was put together.
 *
 * @throws {BootlaceError} `E_QEMU_BASE` without a digest, when it cannot be fetched, or when other bytes come.
 */
export async function fetchedBase(base: UrlBase, signal?: AbortSignal, options: FetchOptions = {}): Promise<BaseDisk> {
  const { url } = base;
  const wanted = digestOf(base);
  const downloads = await makeCacheFolder("downloads");
  const record = join(downloads, `${wanted.digest}.json`);
  return (
    (await known(record)) ??
    (await withFileLock(
      join(downloads, `${wanted.digest}.lock`),
      async () => {
        const other = await known(record);
        if (other) return other;
        const part = join(downloads, `${wanted.digest}.part`);
        if (url.startsWith("file:")) {
          await expectDigest(fileURLToPath(url), url, wanted);
          return keepRecord(record, await fileBase(fileURLToPath(url), signal));
        }
        await download(url, part, wanted, { signal, ...options });
        const { format, backed } = await inspect(part, signal);
        if (backed) throw new BootlaceError("E_QEMU_BASE", `${url} stands on another file, which did not come with it`);
        await makeCacheFolder("disks");
        return keepRecord(record, await keepDisk(part, format));
      },
      signal,
    ))
  );
}

async function known(record: string): Promise<BaseDisk | undefined> {
  const base = await readJson<BaseDisk>(record);
  return base && (await stat(cachedDisk(base)).catch(() => undefined)) ? base : undefined;
}

async function keepRecord(record: string, base: BaseDisk): Promise<BaseDisk> {
  await writeJson(record, base);
  return base;
}

interface Wanted {
  readonly algorithm: "sha256" | "sha512";
  readonly digest: string;
}

function digestOf({ url, sha256, sha512 }: UrlBase): Wanted {
  if (!/^(?:https?|file):/.test(url))
    throw new BootlaceError("E_QEMU_BASE", `${url} cannot be fetched: expected https, http or file`);
  if (sha512 !== undefined) return { algorithm: "sha512", digest: sha512 };
  if (sha256 !== undefined) return { algorithm: "sha256", digest: sha256 };
  throw new BootlaceError("E_QEMU_BASE", `The disk image ${url} has no digest; sha256 or sha512 is required`, {
    hint: "Take it from the publisher's list (SHA256SUMS, SHA512SUMS) and write it beside `url:`.",
  });
}

async function expectDigest(file: string, what: string, { algorithm, digest }: Wanted): Promise<void> {
  const hash = createHash(algorithm);
  for await (const chunk of createReadStream(file, { highWaterMark: 1 << 20 })) hash.update(chunk as Buffer);
  const came = hash.digest("hex");
  if (came === digest) return;
  throw new BootlaceError("E_QEMU_BASE", `${what}: expected ${algorithm} ${digest}, came ${came}`, {
    hint: "The publisher may have a newer one at the same address: look at its list of digests.",
  });
}

interface Downloading extends FetchOptions {
  readonly signal: AbortSignal | undefined;
}

async function download(url: string, part: string, wanted: Wanted, { signal, pause }: Downloading): Promise<void> {
  const wait = pause ?? ((ms: number) => sleep(ms, undefined, signal ? { signal } : {}));
  for (let tries = 1; ; tries++) {
    const before = (await stat(part).catch(() => undefined))?.size ?? 0;
    try {
      await append(url, part, before, signal);
      await expectDigest(part, url, wanted);
      return;
    } catch (error) {
      throwIfAborted(signal);
      // All of it is here, and wrong. What was left by an earlier try may be to blame: once more from the beginning.
      const wrong = error instanceof BootlaceError;
      if (wrong) await rm(part, { force: true });
      if (wrong && before > 0) continue;
      if (wrong || tries >= TRIES || (error instanceof Refused && !error.again)) throw await asError(url, part, error);
      await wait(2 ** (tries - 1) * 500);
    }
  }
}

class Refused extends Error {
  readonly again: boolean;
  constructor(message: string, again: boolean) {
    super(message);
    this.again = again;
  }
}

async function asError(url: string, part: string, error: unknown): Promise<Error> {
  if (error instanceof BootlaceError) return error;
  const here = (await stat(part).catch(() => undefined))?.size ?? 0;
  return new BootlaceError("E_QEMU_BASE", `${url}: ${error instanceof Error ? error.message : String(error)}`, {
    hint:
      here > 0
        ? "What has come is kept: the next command goes on from there."
        : "Is the address right, and within reach of this computer?",
    cause: error,
  });
}

async function append(url: string, part: string, from: number, signal: AbortSignal | undefined): Promise<void> {
  const answer = await ask(new URL(url), from, signal, 0);
  // Nothing after what is here: it is whole, or wrong; the digest tells.
  if (answer.statusCode === 416) return void answer.destroy();
  const start = answer.statusCode === 206 ? from : 0;
  let handle: FileHandle | undefined;
  try {
    handle = await open(part, start === 0 ? "w" : "a", 0o600);
    for await (const chunk of answer) await handle.write(chunk as Buffer);
    if (!answer.complete) throw new Refused("the connection ended before the file did", true);
    await handle.sync();
  } finally {
    answer.destroy();
    await handle?.close();
  }
}

async function ask(at: URL, from: number, signal: AbortSignal | undefined, hops: number): Promise<IncomingMessage> {
  const headers: Record<string, string> = { "accept-encoding": "identity", "user-agent": "bootlace" };
  if (from > 0) headers.range = `bytes=${from}-`;
  const send = at.protocol === "https:" ? httpsRequest : httpRequest;
  const answer = await new Promise<IncomingMessage>((resolve, reject) => {
    const asked = send(at, { headers, ...(signal ? { signal } : {}) }, resolve);
    asked.setTimeout(IDLE, () => asked.destroy(new Error(`nothing came for ${IDLE / 1000} s`)));
    asked.on("error", reject);
    asked.end();
  });
  const { statusCode = 0 } = answer;
  const { location } = answer.headers;
  if ([200, 206, 416].includes(statusCode)) return answer;
  answer.destroy();
  if (![301, 302, 303, 307, 308].includes(statusCode) || location === undefined)
    throw new Refused(`${at.host} answered HTTP ${statusCode}`, statusCode >= 500 || statusCode === 429);
  if (hops >= REDIRECTS) throw new Refused(`it redirects more than ${REDIRECTS} times`, false);
  return ask(new URL(location, at), from, signal, hops + 1);
}

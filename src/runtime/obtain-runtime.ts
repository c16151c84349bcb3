import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdir, mkdtemp, readdir, readFile, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { BootlaceError } from "../../stage2/index.ts";
import type { Packed } from "../bundle/pack.ts";
import { deskCache } from "../cli/desk-cache.ts";
import { asDeskFilesError } from "../cli/desk-files-error.ts";
import { writeBlob } from "../store/write-blob.ts";
import { packRuntime } from "./pack-runtime.ts";
import { type PinnedRuntime, pinnedRuntime, type RuntimeArch } from "./pinned.ts";
import { readBinary } from "./read-binary.ts";

/** A runtime at the desk, packed. */
export interface Runtime extends Packed {
  /** As pointers name it: `linux-x64-glibc`. */
  readonly platform: string;
}

const running = new Map<RuntimeArch, Promise<Runtime>>();

/**
 * The runtime for an architecture, from the desk's cache or else by `npm pack`, so that the user's registry, proxy and
 * tokens apply. The first time takes about 8 s; two callers in one process share it.
 *
 * @throws {BootlaceError} `E_DESK_FILES` when the cache cannot be written; `E_RUNTIME_GET` when npm fails; `E_RUNTIME_DIGEST` when it brings other bytes than are pinned.
 */
export function obtainRuntime(arch: RuntimeArch): Promise<Runtime> {
  const started = running.get(arch) ?? obtain(pinnedRuntime(arch), runtimeCache());
  running.set(arch, started);
  started.catch(() => running.delete(arch));
  return started;
}

/** Where packed runtimes are kept: `$XDG_CACHE_HOME/bootlace/runtimes`, by default below `~/.cache`. */
export const runtimeCache = (): string => deskCache("runtimes");

async function obtain(pinned: PinnedRuntime, cache: string): Promise<Runtime> {
  const file = join(cache, `${pinned.packed.digest}.tar.gz`);
  const runtime = { ...pinned.packed, file, platform: pinned.platform };
  if ((await stat(file).catch(() => undefined))?.size === pinned.packed.bytes) return runtime;
  const folder = await workFolder(cache);
  try {
    const tarball = await npmPack(pinned.package, folder);
    expectDigest(`the package ${pinned.package}`, await readFile(tarball), pinned.packageSha256);
    const binary = await readBinary(tarball, "package/bin/node");
    expectDigest(`bin/node of ${pinned.package}`, binary, pinned.binarySha256);
    const { blob } = await packRuntime(binary);
    expectDigest(`the packed runtime ${pinned.platform}`, blob, pinned.packed.digest);
    await writeBlob(file, blob);
    return runtime;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function workFolder(cache: string): Promise<string> {
  try {
    await mkdir(cache, { recursive: true });
    return await mkdtemp(join(cache, "npm-"));
  } catch (error) {
    throw asDeskFilesError(error, "Set XDG_CACHE_HOME to a folder that you can write, or `runtime: system`.");
  }
}

async function npmPack(name: string, folder: string): Promise<string> {
  try {
    await promisify(execFile)("npm", ["pack", name, "--pack-destination", folder, "--silent"], { maxBuffer: 1 << 24 });
    const [tarball] = (await readdir(folder)).filter((entry) => entry.endsWith(".tgz"));
    if (tarball === undefined) throw new Error("npm ended well but left no tarball");
    return join(folder, tarball);
  } catch (error) {
    const said = error instanceof Error && "stderr" in error ? String(error.stderr).trim() : "";
    const reason = said || (error instanceof Error ? error.message : String(error));
    throw new BootlaceError("E_RUNTIME_GET", `\`npm pack ${name}\` failed: ${reason.split("\n").slice(-3).join(" ")}`, {
      hint: "Try it by hand; or set `runtime: system` in bootlace.yaml and have Node 20 or newer on the machines.",
      cause: error,
    });
  }
}

function expectDigest(what: string, bytes: Uint8Array, expected: string): void {
  const digest = createHash("sha256").update(bytes).digest("hex");
  if (digest === expected) return;
  throw new BootlaceError("E_RUNTIME_DIGEST", `SHA-256 of ${what} is ${digest}, expected ${expected}`, {
    hint: "Look where npm got it (`npm config get registry`); it was thrown away.",
  });
}

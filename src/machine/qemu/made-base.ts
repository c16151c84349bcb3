import { createHash } from "node:crypto";
import { mkdtemp, rename, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { BootlaceError } from "../../../stage2/index.ts";
import { hashStream } from "../../artifacts/hash-file.ts";
import { tarStream } from "../../bundle/tar-stream.ts";
import { obtainRuntime } from "../../runtime/obtain-runtime.ts";
import { pinnedRuntime } from "../../runtime/pinned.ts";
import { withFileLock } from "../file-lock.ts";
import { readJson, writeJson } from "../machine-folder.ts";
import { debianMirrors } from "./apt-mirrors.ts";
import { ARCH, type GuestArch } from "./arch.ts";
import {
  type BaseParts,
  baseRecipe,
  debootstrapCommand,
  finishCommand,
  mmdebstrapCommand,
  sourcesList,
} from "./base-commands.ts";
import { cachedDisk, cachedInitrd, cachedKernel, makeCacheFolder } from "./cache.ts";
import { EARLY_FILES, GUEST_VERSION, LATE_FILES } from "./guest-files.ts";
import { onPath } from "./on-path.ts";
import type { BaseDisk } from "./qemu-spec.ts";
import { runTool } from "./run-tool.ts";

/** Virtual; what is not written takes no room. Bytes. */
const DISK_BYTES = 8 * 1024 ** 3;
/** After so long a base is made again, or security updates would never arrive; milliseconds. */
const FRESH = 30 * 86_400_000;

interface MadeRecord {
  readonly digest: string;
  readonly made: number;
}

/**
 * The base of a Debian release, made from its packages the first time and then from the cache. Two desks that want the
 * same one wait for each other.
 *
 * @throws {BootlaceError} `E_QEMU_BASE` when it cannot be made.
 */
export async function madeBase(suite: string, arch: GuestArch, signal?: AbortSignal): Promise<BaseDisk> {
  if (!/^[a-z][a-z0-9-]*$/.test(suite))
    throw new BootlaceError("E_QEMU_BASE", `"${suite}" is no Debian release`, { hint: "Write a name as bookworm." });
  const folder = await makeCacheFolder("made");
  const mirrors = await debianMirrors();
  const recipe = `${GUEST_VERSION} ${arch} ${pinnedRuntime(arch).packed.digest} ${baseRecipe(suite, arch, mirrors)}`;
  const key = createHash("sha256").update(recipe).digest("hex").slice(0, 32);
  const record = join(folder, `${key}.json`);
  return (
    (await known(record)) ??
    (await withFileLock(
      join(folder, `${key}.lock`),
      async () => {
        const other = await known(record);
        if (other) return other;
        const parts = {
          suite,
          arch,
          mirrors,
          runtime: await obtainRuntime(arch),
          work: "",
          root: process.geteuid?.() === 0,
        };
        const digest = await make(parts, signal);
        await writeJson(record, { digest, made: Date.now() } satisfies MadeRecord);
        return direct(digest);
      },
      signal,
    ))
  );
}

const direct = (digest: string): BaseDisk => ({ digest, format: "qcow2", boot: "direct" });

async function known(record: string): Promise<BaseDisk | undefined> {
  const found = await readJson<MadeRecord>(record);
  if (!found || Date.now() - found.made > FRESH) return undefined;
  const base = direct(found.digest);
  for (const file of [cachedDisk(base), cachedKernel(base.digest), cachedInitrd(base.digest)])
    if (!(await stat(file).catch(() => undefined))) return undefined;
  return base;
}

async function make(parts: BaseParts, signal: AbortSignal | undefined): Promise<string> {
  const bootstrap = await bootstrapCommand(parts);
  const disks = await makeCacheFolder("disks");
  // On the cache's own file system, so that the last step is a rename.
  const work = await mkdtemp(join(disks, "making-"));
  const code = "E_QEMU_BASE";
  try {
    const here = { ...parts, work };
    await writeFile(join(work, "early.tar"), tarStream(filesOf(EARLY_FILES)));
    await writeFile(join(work, "late.tar"), tarStream(filesOf(LATE_FILES)));
    await writeFile(join(work, "sources.list"), sourcesList(parts.suite, parts.mirrors));
    await runTool(bootstrap(here), { code, signal }).catch((error: unknown) => {
      throw error instanceof BootlaceError && error.code === code ? bootstrapError(error, parts) : error;
    });
    await runTool(finishCommand(here, DISK_BYTES), { code, signal });
    await runTool(["qemu-img", "convert", "-f", "raw", "-O", "qcow2", "disk.raw", "disk.qcow2"], {
      cwd: work,
      code,
      signal,
    });
    const { digest } = await hashStream(join(work, "disk.qcow2"));
    await rename(join(work, "kernel"), cachedKernel(digest));
    await rename(join(work, "initrd"), cachedInitrd(digest));
    await rename(join(work, "disk.qcow2"), cachedDisk(direct(digest)));
    return digest;
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

/** What apt says of a release that the mirror does not have, and of a mirror that does not answer. */
const NO_RELEASE = /does not have a Release file|Failed getting release file/i;
const NO_MIRROR = /Failed to fetch|Could not (?:connect|resolve)|Unable to connect|Temporary failure resolving/i;

/** The error for a base whose packages could not be had: what to do first, the tool's own words behind it. */
export function bootstrapError(
  error: BootlaceError,
  { suite, mirrors: { main } }: Pick<BaseParts, "suite" | "mirrors">,
): BootlaceError {
  // runTool() leads with the argv, which tells a person least; of apt's own words the errors count.
  const [argv = ""] = error.message.split(": ", 1);
  const words = [...error.message.matchAll(/\bE: ([^\n]+)/g)].map(([, line]) => line).join("; ");
  const told = `${words || "it said nothing"} (${argv})`;
  if (NO_RELEASE.test(error.message))
    return new BootlaceError("E_QEMU_BASE", `Debian has no release ${suite} at ${main}: ${told}`, {
      hint: "Write the name of a release that is there, as bookworm; BOOTLACE_DEBIAN_MIRROR names another mirror.",
      cause: error,
    });
  if (!NO_MIRROR.test(error.message)) return error;
  return new BootlaceError("E_QEMU_BASE", `The packages of ${suite} cannot be had from ${main}: ${told}`, {
    hint: `Is ${main} within reach? BOOTLACE_DEBIAN_MIRROR names another.`,
    cause: error,
  });
}

/** @throws {BootlaceError} `E_QEMU_BASE`, naming what is missing at this desk. */
export async function bootstrapCommand({
  arch,
  root,
}: Pick<BaseParts, "arch" | "root">): Promise<(parts: BaseParts) => readonly string[]> {
  const refuse = (message: string, hint: string): never => {
    throw new BootlaceError("E_QEMU_BASE", message, { hint });
  };
  const download = "Or start from a disk image: `from: {url: URL, sha256: DIGEST}`.";
  if (process.platform !== "linux") refuse("Debian bases are made on Linux only", download);
  if (!(await onPath("mkfs.ext4"))) refuse("A Debian base needs mkfs.ext4", `apt install e2fsprogs. ${download}`);
  const foreign = ARCH[arch].debian !== (process.arch === "arm64" ? "arm64" : "amd64");
  if (foreign && !(await onPath(`qemu-${arch === "arm64" ? "aarch64" : arch}-static`)))
    refuse(
      `A Debian base for ${arch} needs QEMU's user emulation, to run its packages' scripts`,
      `Install qemu-user-static and binfmt-support. ${download}`,
    );
  if (await onPath("mmdebstrap")) {
    if (!root && !(await onPath("newuidmap")))
      refuse("A Debian base made without root needs newuidmap", `apt install uidmap. ${download}`);
    return mmdebstrapCommand;
  }
  if (!(await onPath("debootstrap")) || foreign)
    refuse("A Debian base needs mmdebstrap, which is not on the PATH", `apt install mmdebstrap. ${download}`);
  if (!root) refuse("debootstrap needs root", `apt install mmdebstrap uidmap, or run as root. ${download}`);
  return debootstrapCommand;
}

const filesOf = (files: Readonly<Record<string, string>>) =>
  Object.entries(files).map(([path, text]) => ({
    path,
    mode: path.includes("libexec/") ? (0o755 as const) : (0o644 as const),
    bytes: Buffer.from(text),
  }));

import { chmod, writeFile } from "node:fs/promises";
import { BootlaceError } from "../../stage2/index.ts";
import { runLocal } from "../machine/run-local.ts";
import { throwIfAborted } from "../session/abort.ts";
import { ExtVolume, type Range } from "./ext-volume.ts";
import { findVolumes } from "./volumes.ts";

/**
 * Writes a disk with all that it stands on as one sparse raw file of mode 0600.
 *
 * @param source a file, or a `json:` name of a chain as qemu-img(1) takes it.
 * @throws {BootlaceError} `E_DISK_UNREADABLE`.
 */
export async function writeRawView(source: string, to: string, signal?: AbortSignal): Promise<void> {
  // Before there is anything in it: qemu-img takes the file as it is. Whatever the umask, nobody else reads along.
  await writeFile(to, "", { mode: 0o600 });
  await chmod(to, 0o600);
  await qemu(["qemu-img", "convert", "-O", "raw", source, to], { signal });
}

/** What was written to an overlay since it was made, in order; parts that were given back (trimmed) are not among it. */
export async function writtenRanges(overlay: string): Promise<readonly Range[]> {
  const map = JSON.parse(await qemu(["qemu-img", "map", "--output=json", overlay])) as readonly {
    readonly start: number;
    readonly length: number;
    readonly depth: number;
    readonly data: boolean;
  }[];
  return map.filter(({ depth, data }) => depth === 0 && data).map(({ start, length }) => ({ start, length }));
}

/**
 * Overwrites with zeros what an overlay holds and no file uses, the file system's spent journal too: what was deleted is
 * gone, and the image is smaller. Only of file systems that can be read (ext2 to ext4). A view that was made before
 * stays as it was.
 *
 * @param overlay a file or a `json:` name, writable. @param view what {@link writeRawView} made of it.
 * @returns the written ranges that are left.
 * @throws {BootlaceError} `E_DISK_UNREADABLE` for a file system that was not unmounted.
 */
export async function zeroFreeSpace(overlay: string, view: string): Promise<readonly Range[]> {
  const written = await writtenRanges(overlay);
  const free: Range[] = [];
  for (const { start, kind } of await findVolumes(view)) {
    if (kind !== "ext") continue;
    const volume = new ExtVolume(view, start);
    if (!(await volume.isClean()))
      throw new BootlaceError("E_DISK_UNREADABLE", `The file system at byte ${start} of ${overlay} was not unmounted`, {
        hint: "The machine was cut off. Start it and stop it again.",
      });
    free.push(...(await volume.free()), ...(await volume.spentJournal()));
  }
  const wasted = intersection(
    written,
    free.sort((a, b) => a.start - b.start),
  );
  if (wasted.length > 0) {
    const commands = wasted.map(({ start, length }) => `write -q -z -u ${start} ${length}`).join("\n");
    await qemu(["qemu-io", "-d", "unmap", overlay], { stdin: `${commands}\n` });
  }
  return subtract(written, wasted);
}

/** Both sorted and without overlaps. */
export function intersection(some: readonly Range[], others: readonly Range[]): readonly Range[] {
  const both: Range[] = [];
  for (let i = 0, j = 0; i < some.length && j < others.length; ) {
    const [a, b] = [some[i], others[j]];
    if (!a || !b) break;
    const start = Math.max(a.start, b.start);
    const end = Math.min(a.start + a.length, b.start + b.length);
    if (end > start) both.push({ start, length: end - start });
    if (a.start + a.length < b.start + b.length) i++;
    else j++;
  }
  return both;
}

/** `some` without `others`, which lie within them; both sorted and without overlaps. */
export function subtract(some: readonly Range[], others: readonly Range[]): readonly Range[] {
  const left: Range[] = [];
  let next = 0;
  for (const { start, length } of some) {
    let at = start;
    for (let other = others[next]; other && other.start < start + length; other = others[++next]) {
      if (other.start > at) left.push({ start: at, length: other.start - at });
      at = other.start + other.length;
    }
    if (at < start + length) left.push({ start: at, length: start + length - at });
  }
  return left;
}

async function qemu(
  argv: readonly string[],
  options: { readonly stdin?: string; readonly signal?: AbortSignal | undefined } = {},
): Promise<string> {
  const result = await runLocal(argv, options);
  throwIfAborted(options.signal);
  // qemu-io ends well whatever became of its commands.
  if (result.exit === 0 && !/failed|error/i.test(result.stderr)) return result.stdout;
  throw new BootlaceError(
    "E_DISK_UNREADABLE",
    `${argv.join(" ").slice(0, 300)}: exit ${result.exit}: ${result.stderr.trim().slice(-1000)}`,
    { hint: "qemu-img and qemu-io come with qemu-utils; install it." },
  );
}

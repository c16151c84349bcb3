import { chmod, chown, mkdir, readdir, stat, writeFile } from "node:fs/promises";
import { dirname, join, relative, resolve } from "node:path";
import { runLocalChecked } from "../run-local.ts";
import { maskHashes } from "./mask-hashes.ts";

/** Folders that a machine has, but not with this computer's content. */
const EMPTIED = [
  ["root", 0o700],
  ["home", 0o755],
] as const;
/** Things that belong to this very computer; a fresh machine has none of them. Shell patterns in one folder each. */
const REMOVED: readonly (readonly [string, RegExp])[] = [
  ["var/lib", /^bootlace$/],
  ["etc", /^bootlace$/],
  ["usr/lib", /^bootlace(-.*)?$/],
  ["etc/systemd/system", /^bootlace/],
  ["etc/ssh", /^ssh_host_/],
];

/**
 * Makes the two layers that hide what is this computer's own: /root, /home, its Bootlace, its host keys, the project, and the
 * hashes of its users' passwords.
 * `cover` holds whiteouts, `mask` above it the empty folders that stand there instead. They lie between the root and
 * the images and are never captured, so no image tells where it was built.
 */
export async function makeMask(folder: string, root: string, hidden: readonly string[]): Promise<void> {
  const cover = join(folder, "cover");
  const mask = join(folder, "mask");
  for (const layer of [cover, mask]) {
    await mkdir(layer, { recursive: true });
    await chmod(layer, 0o755);
  }
  if (root === "/")
    for (const [name, mode] of EMPTIED) {
      await whiteout(cover, root, name);
      await mkdir(join(mask, name));
      await chmod(join(mask, name), mode);
    }
  for (const [parent, pattern] of REMOVED)
    for (const name of await list(join(root, parent)))
      if (pattern.test(name)) await whiteout(cover, root, join(parent, name));
  if (root === "/")
    for (const path of hidden) if (isDeep(path)) await whiteout(cover, root, relative("/", resolve(path)));
  await inherit(mask, root, "etc");
  await writeFile(join(mask, "etc/machine-id"), "", { mode: 0o444 });
  if (root === "/") {
    if ((await list(join(root, "etc/security"))).length > 0) await inherit(mask, root, "etc/security");
    await maskHashes(mask, root);
  }
}

/** A folder right under the root may be a part of the system; hiding it could take the shell away. */
const isDeep = (path: string): boolean =>
  resolve(path).split("/").length > 2 && !/^\/(root|home|tmp|run|dev)\//.test(resolve(path));

/** A character device 0,0 in an upper layer hides the name below (kernel's overlayfs.rst, "whiteouts"). */
async function whiteout(layer: string, root: string, path: string): Promise<void> {
  await inherit(layer, root, dirname(path));
  await runLocalChecked(["mknod", join(layer, path), "c", "0", "0"], "E_SANDBOX_UNAVAILABLE");
}

/** Where layers merge a folder, the topmost one's owner and mode count: they are copied from below. */
async function inherit(layer: string, root: string, folder: string): Promise<void> {
  if (folder === ".") return;
  const parts = folder.split("/");
  for (let depth = 1; depth <= parts.length; depth += 1) {
    const path = parts.slice(0, depth).join("/");
    const below = await stat(join(root, path)).catch(() => undefined);
    await mkdir(join(layer, path)).catch(() => {});
    if (below === undefined) continue;
    await chown(join(layer, path), below.uid, below.gid);
    await chmod(join(layer, path), below.mode & 0o7777);
  }
}

const list = (folder: string): Promise<string[]> => readdir(folder).catch(() => []);

import { closeSync, constants, fchownSync, fstatSync, lstatSync, mkdirSync, openSync, readlinkSync } from "node:fs";
import { OWN_UID } from "../users.ts";
import type { Owner } from "./unpack-tar.ts";

const { O_RDONLY, O_DIRECTORY, O_NOFOLLOW } = constants;

/** As many as Linux follows: path_resolution(7). */
const LINKS = 40;

/** Why something cannot be put where it belongs; a half sentence. */
export class PlaceError extends Error {
  override readonly name = "PlaceError";
}

/**
 * A name in an open folder, whatever becomes of the folder's own name meanwhile: what openat(2) and its like do, which
 * Node has not, by way of proc(5).
 */
export const inFolder = (fd: number, name: string): string => `/proc/self/fd/${fd}/${name}`;

/**
 * Opens a folder step by step, so that nobody can lead root elsewhere: a symbolic link on the way is followed only where
 * it stands in a folder that nobody but root (and whoever runs this) can write to.
 *
 * @param path absolute.
 * @param make makes what is missing; the last folder is this owner's. Undefined: it must be there.
 * @returns a descriptor, the caller's to close.
 * @throws {PlaceError}
 */
export function openFolder(path: string, make?: { readonly owner: Owner | undefined }): number {
  let fd = openSync("/", O_RDONLY | O_DIRECTORY);
  const rest = path.split("/").filter(isStep);
  try {
    for (let links = 0; rest.length > 0; ) {
      const name = rest.shift() ?? "";
      const next = step(fd, name, make && rest.length === 0 ? make : make && { owner: undefined });
      if (typeof next === "number") {
        closeSync(fd);
        fd = next;
        continue;
      }
      if (++links > LINKS) throw new PlaceError(`${path} has too many links on its way`);
      if (!isOurs(fd)) throw new PlaceError(`${name} on the way to ${path} is a link that others than root can change`);
      rest.unshift(...next.link.split("/").filter(isStep));
      if (!next.link.startsWith("/")) continue;
      closeSync(fd);
      fd = openSync("/", O_RDONLY | O_DIRECTORY);
    }
    return fd;
  } catch (error) {
    closeSync(fd);
    if (error instanceof PlaceError) throw error;
    throw new PlaceError(
      `${path}: ${error instanceof Error ? error.message.replace(/\/proc\/self\/fd\/\d+/, "…") : error}`,
    );
  }
}

const isStep = (part: string): boolean => part !== "" && part !== ".";

/** Opens the folder of this name, makes it where it is missing, or answers where the link of this name leads. */
function step(fd: number, name: string, make: { readonly owner: Owner | undefined } | undefined) {
  const at = inFolder(fd, name);
  try {
    return openSync(at, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" && make) {
      // A script that runs meanwhile may make the same folder.
      mkdirSync(at, { recursive: true, mode: 0o755 });
      const made = openSync(at, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
      if (make.owner !== undefined && isOurs(made)) fchownSync(made, make.owner.uid, make.owner.gid);
      return made;
    }
    if ((code === "ELOOP" || code === "ENOTDIR") && lstatSync(at).isSymbolicLink()) return { link: readlinkSync(at) };
    if (code === "ENOTDIR") throw new PlaceError(`${name} is no folder`);
    throw error;
  }
}

/** Whether nobody but root and whoever runs this can put names into the folder. */
function isOurs(fd: number): boolean {
  const { uid, mode } = fstatSync(fd);
  return (uid === 0 || uid === OWN_UID) && (mode & 0o022) === 0;
}

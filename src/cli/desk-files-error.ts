import { BootlaceError } from "../../stage2/index.ts";

interface Refusal {
  readonly means: string;
  readonly remedy: string;
}

const GONE: Refusal = {
  means: "it is not there",
  remedy: "Something removed it in the middle, or it never was; run the command again, and look who else works there.",
};
const FORBIDDEN: Refusal = {
  means: "permission denied",
  remedy: "Run the command as the user that owns it, or with sudo.",
};
const FULL: Refusal = {
  means: "no space left",
  remedy: "Make room there; `bootlace gc` removes what dead builds left behind.",
};

/** errno(3) by what a person can do about it; whatever else a file system says is a bug until it was seen here. */
const REFUSALS: Readonly<Record<string, Refusal>> = {
  EACCES: FORBIDDEN,
  EPERM: FORBIDDEN,
  EROFS: { means: "the file system is read-only", remedy: "Work on a copy in a folder that can be written." },
  ENOSPC: FULL,
  EDQUOT: FULL,
  ENOENT: GONE,
  ENOTDIR: {
    means: "a part of the path is no folder",
    remedy: "Move the file away that stands where a folder belongs.",
  },
};

/** System calls by what was tried with them (section 2 of the manual). */
const TRIED: Readonly<Record<string, string>> = {
  open: "open",
  mkdir: "make the folder",
  mkdtemp: "make a folder like",
  scandir: "list the folder",
  opendir: "list the folder",
  rename: "rename",
  unlink: "remove",
  rmdir: "remove the folder",
  rm: "remove",
  stat: "look at",
  lstat: "look at",
  access: "look at",
  copyfile: "copy",
  cp: "copy",
  chmod: "change the mode of",
};

/**
 * What the desk's file system refuses is no bug of ours: `E_DESK_FILES` with the path, what was tried and what to do.
 *
 * @param hint what to do, where the caller knows better.
 * @returns the error as it came where it is none of these; a program that is not there (`spawn`) is none.
 */
export function asDeskFilesError(error: unknown, hint?: string): unknown {
  if (!(error instanceof Error) || error instanceof BootlaceError) return error;
  const { code = "", path, syscall = "" } = error as NodeJS.ErrnoException;
  const refusal = REFUSALS[code];
  // A write into an open file that is refused does not say which (ENOSPC); other errors without a path are not of files.
  const isNamed = path !== undefined || (syscall === "write" && refusal === FULL);
  if (refusal === undefined || !isNamed || syscall.startsWith("spawn")) return error;
  const dest = "dest" in error && typeof error.dest === "string" ? ` to ${error.dest}` : "";
  const message = `Could not ${TRIED[syscall] ?? syscall} ${path ?? "a file"}${dest}: ${refusal.means} (${code})`;
  return new BootlaceError("E_DESK_FILES", message, { hint: hint ?? refusal.remedy, cause: error });
}

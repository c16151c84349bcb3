import { randomBytes } from "node:crypto";
import {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  rmSync,
  unlinkSync,
} from "node:fs";
import { writeDurably } from "../write-durably.ts";
import { inFolder, openFolder } from "./open-folder.ts";

const { O_RDONLY, O_WRONLY, O_CREAT, O_EXCL, O_DIRECTORY, O_NOFOLLOW } = constants;

/** Work in progress beside what it becomes, so that it is on the same file system and inherits the same label. */
export interface Staging {
  /** In the folder. */
  readonly name: string;
  /** Of the file, or of the folder (0700). */
  readonly fd: number;
}

/**
 * Makes a file or a folder of a new name in a folder and notes in `note` that it is ours to remove, in case that this
 * process does not come to it.
 *
 * @param path how the folder is called.
 */
export function makeStaging(fd: number, path: string, kind: "file" | "folder", note: string): Staging {
  const name = `.bootlace-${randomBytes(8).toString("hex")}`;
  const at = inFolder(fd, name);
  // Before it is there: a process that dies in between leaves nothing that nobody knows of.
  writeDurably(note, JSON.stringify({ path, name }));
  if (kind === "folder") mkdirSync(at, { mode: 0o700 });
  const flags = kind === "folder" ? O_RDONLY | O_DIRECTORY : O_WRONLY | O_CREAT | O_EXCL;
  const made = openSync(at, flags | O_NOFOLLOW, 0o600);
  writeDurably(note, JSON.stringify({ path, name, ino: fstatSync(made).ino }));
  return { name, fd: made };
}

/** Removes what an earlier process left, if it still is what that process made. */
export function removeLeftStaging(note: string): void {
  let left: { path: string; name: string; ino?: number };
  try {
    left = JSON.parse(readFileSync(note, "utf8"));
  } catch {
    return;
  }
  try {
    const fd = openFolder(left.path);
    try {
      if (left.ino === undefined) removeEmpty(inFolder(fd, left.name));
      else removeStaging(fd, left.name, left.ino);
    } finally {
      closeSync(fd);
    }
  } catch {
    // Somebody has removed the folder, or led it elsewhere: nothing of ours is to be found there.
  }
  rmSync(note, { force: true });
}

/** What was just made, and may be somebody else's by now: nothing below it is touched. */
function removeEmpty(at: string): void {
  if (lstatSync(at).isDirectory()) rmdirSync(at);
  else unlinkSync(at);
}

/** Removes a staging file or folder by what it is, since its name may have been given to something else. */
export function removeStaging(fd: number, name: string, ino: number): void {
  const at = inFolder(fd, name);
  const there = lstatSync(at, { throwIfNoEntry: false });
  if (there?.ino !== ino) return;
  if (!there.isDirectory()) {
    unlinkSync(at);
    return;
  }
  const folder = openSync(at, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  try {
    if (fstatSync(folder).ino !== ino) return;
    // Nobody else can have changed anything below: it is 0700.
    for (const child of readdirSync(inFolder(folder, ".")))
      rmSync(inFolder(folder, child), { recursive: true, force: true });
  } finally {
    closeSync(folder);
  }
  rmdirSync(at);
}

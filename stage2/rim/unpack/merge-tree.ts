import { randomBytes } from "node:crypto";
import {
  chmodSync,
  closeSync,
  constants,
  copyFileSync,
  lchownSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readlinkSync,
  renameSync,
  rmSync,
  type Stats,
  symlinkSync,
  utimesSync,
} from "node:fs";
import { inFolder, PlaceError } from "./open-folder.ts";

const { O_RDONLY, O_DIRECTORY, O_NOFOLLOW, COPYFILE_EXCL } = constants;

/**
 * Moves a tree into a folder that may hold other files: each file takes its place in one step, folders that are there
 * are filled and keep their owner and mode. No link is followed, and nothing is moved unless everything can be.
 *
 * @param from a folder that nobody else can write to.
 * @param into a folder that is open.
 * @param shown how that folder is called.
 * @throws {PlaceError} where a folder stands in the place of a file, or something else in the place of a folder.
 */
export function mergeTree(from: string, into: number, shown: string): void {
  look(from, into, shown);
  move(from, into);
}

function look(from: string, into: number, shown: string): void {
  for (const { name, staged, there } of pairs(from, into)) {
    if (!there) continue;
    const where = `${shown}/${name}`;
    if (!staged.isDirectory()) {
      if (there.isDirectory()) throw new PlaceError(`${where} is a folder, the archive has a file there`);
      continue;
    }
    if (!there.isDirectory())
      throw new PlaceError(`${where} is a ${there.isSymbolicLink() ? "link" : "file"}, the archive has a folder there`);
    within(into, name, (below) => look(`${from}/${name}`, below, where));
  }
}

function move(from: string, into: number): void {
  for (const { name, staged, there } of pairs(from, into)) {
    if (staged.isDirectory() && there) {
      within(into, name, (below) => move(`${from}/${name}`, below));
      continue;
    }
    try {
      renameSync(`${from}/${name}`, inFolder(into, name));
    } catch (error) {
      // Another file system is mounted below the folder.
      if ((error as NodeJS.ErrnoException).code !== "EXDEV") throw error;
      moveAcross(`${from}/${name}`, staged, into, name);
    }
  }
}

function* pairs(from: string, into: number): Generator<{ name: string; staged: Stats; there: Stats | undefined }> {
  for (const name of readdirSync(from)) {
    const there = lstatSync(inFolder(into, name), { throwIfNoEntry: false });
    yield { name, staged: lstatSync(`${from}/${name}`), there };
  }
}

function within(into: number, name: string, act: (below: number) => void): void {
  const below = openSync(inFolder(into, name), O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  try {
    act(below);
  } finally {
    closeSync(below);
  }
}

function moveAcross(from: string, staged: Stats, into: number, name: string): void {
  if (staged.isDirectory()) {
    mkdirSync(inFolder(into, name), { mode: 0o700 });
    within(into, name, (below) => {
      move(from, below);
      lchownSync(inFolder(below, "."), staged.uid, staged.gid);
      chmodSync(inFolder(below, "."), staged.mode & 0o777);
    });
    return;
  }
  const beside = inFolder(into, `.bootlace-${randomBytes(8).toString("hex")}`);
  try {
    if (staged.isSymbolicLink()) symlinkSync(readlinkSync(from), beside);
    else copyFileSync(from, beside, COPYFILE_EXCL);
    lchownSync(beside, staged.uid, staged.gid);
    if (!staged.isSymbolicLink()) {
      chmodSync(beside, staged.mode & 0o777);
      utimesSync(beside, staged.atime, staged.mtime);
    }
    renameSync(beside, inFolder(into, name));
  } catch (error) {
    rmSync(beside, { force: true });
    throw error;
  }
}

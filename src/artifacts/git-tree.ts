import { padding, TAR_END, type TarEntry, tarHeader } from "../bundle/tar-header.ts";
import { FetchFailure } from "./fetching.ts";
import { type GitRun, runGit, startGit, stopGit } from "./run-git.ts";

interface Blob {
  readonly mode: "100644" | "100755" | "120000";
  readonly object: string;
  readonly path: string;
}

/** Symbolic links longer than this lead nowhere: PATH_MAX of Linux. */
const LINK_BYTES = 4096;

/**
 * The tar stream of a commit's files, sorted by path as git sorts them, folders written out.
 *
 * @throws {FetchFailure} for a name that is not UTF-8, or when git fails.
 */
export async function* gitTree(commit: string, run: GitRun): AsyncGenerator<Uint8Array> {
  const blobs = parseTree(await runGit(["ls-tree", "-r", "-z", "--full-tree", commit], run));
  const folders = new Set<string>();
  const contents = readBlobs(blobs, run);
  for (const blob of blobs) {
    for (let at = blob.path.indexOf("/"); at > 0; at = blob.path.indexOf("/", at + 1)) {
      const path = blob.path.slice(0, at);
      if (folders.has(path)) continue;
      folders.add(path);
      yield tarHeader({ path: `${path}/`, mode: 0o755, size: 0, type: "Directory" });
    }
    yield* entry(blob, contents);
  }
  await contents.return(undefined);
  yield TAR_END;
}

async function* entry({ mode, path }: Blob, contents: AsyncGenerator<number | Buffer>): AsyncGenerator<Uint8Array> {
  const size = await next(contents);
  if (typeof size !== "number") throw new Error("git cat-file gave no header");
  if (mode === "120000") {
    if (size > LINK_BYTES) throw new FetchFailure(`the link ${path} is too long`, { again: false });
    let target = "";
    for (let left = size; left > 0; ) {
      const part = await next(contents);
      if (typeof part === "number") throw new Error("git cat-file gave too little");
      target += part.toString("utf8");
      left -= part.length;
    }
    yield tarHeader({ path, mode: 0o777, size: 0, type: "SymbolicLink", linkpath: target });
    return;
  }
  const header: TarEntry = { path, mode: mode === "100755" ? 0o755 : 0o644, size, type: "File" };
  yield tarHeader(header);
  for (let left = size; left > 0; ) {
    const part = await next(contents);
    if (typeof part === "number") throw new Error("git cat-file gave too little");
    yield part;
    left -= part.length;
  }
  yield padding(size);
}

async function next(contents: AsyncGenerator<number | Buffer>): Promise<number | Buffer> {
  const { value, done } = await contents.next();
  if (done === true) throw new FetchFailure("git cat-file ended before all files were read", { again: false });
  return value;
}

/** git-ls-tree(1), OUTPUT FORMAT with -z. Submodules (160000) are other repositories and stay out. */
function parseTree(listing: Buffer): readonly Blob[] {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  const blobs: Blob[] = [];
  for (let from = 0; from < listing.length; ) {
    const end = listing.indexOf(0, from);
    let line: string;
    try {
      line = decoder.decode(listing.subarray(from, end));
    } catch {
      throw new FetchFailure("it holds a file whose name is not UTF-8", { again: false });
    }
    from = end + 1;
    const [, mode, kind, object = "", path = ""] = /^(\d{6}) (\w+) ([0-9a-f]+)\t(.+)$/s.exec(line) ?? [];
    if (kind === "commit") continue;
    if (mode !== "100644" && mode !== "100755" && mode !== "120000")
      throw new FetchFailure(`git lists ${path} with the mode ${mode}`, { again: false });
    blobs.push({ mode, object, path });
  }
  return blobs;
}

/** Of each blob in turn: its length, then its bytes in pieces. git-cat-file(1), BATCH OUTPUT. */
async function* readBlobs(blobs: readonly Blob[], run: GitRun): AsyncGenerator<number | Buffer> {
  const { dir, signal } = run;
  const child = startGit(["cat-file", "--batch"], { dir, signal }, blobs.map(({ object }) => `${object}\n`).join(""));
  child.on("error", () => {});
  child.stderr.resume();
  try {
    let rest: Buffer = Buffer.alloc(0);
    let left = -1;
    for await (const chunk of child.stdout) {
      rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
      while (rest.length > 0) {
        if (left > 0) {
          const part = rest.subarray(0, left);
          left -= part.length;
          rest = rest.subarray(part.length);
          yield part;
        } else if (left === 0) {
          // A line end stands behind each content.
          rest = rest.subarray(1);
          left = -1;
        } else {
          const end = rest.indexOf("\n");
          if (end < 0) break;
          const header = rest.toString("latin1", 0, end);
          const [, size] = /^[0-9a-f]+ blob (\d+)$/.exec(header) ?? [];
          if (size === undefined) throw new FetchFailure(`git cat-file: ${header}`, { again: false });
          left = Number(size);
          rest = rest.subarray(end + 1);
          yield left;
        }
      }
    }
    signal?.throwIfAborted();
  } finally {
    stopGit(child);
  }
}

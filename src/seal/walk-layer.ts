import { readdir, readlink } from "node:fs/promises";

export interface LayerEntry {
  /** In the machine, absolute, as text; `name` and `file` hold the bytes, since a name need not be UTF-8. */
  readonly path: string;
  readonly name: Buffer;
  /** Path of the folder above, in the machine. */
  readonly parent: Buffer;
  /** Path at the desk. */
  readonly file: Buffer;
  /** Folders, whiteouts and sockets hold no bytes of their own, but their names are in the image. */
  readonly kind: "file" | "link" | "other";
  /** Where a link points to. */
  readonly target?: Buffer;
}

export interface Walking {
  /** Path of the folder to begin with, in the machine; default: its root. */
  readonly parent?: Buffer;
  /** Whether a folder is gone into; default: all are. */
  readonly within?: (folder: Buffer) => Promise<boolean>;
}

/** Everything in a layer, by name. */
export async function* walkLayer(folder: string, walking: Walking = {}): AsyncGenerator<LayerEntry> {
  const { parent = Buffer.alloc(0), within } = walking;
  const above = Buffer.concat([Buffer.from(folder), parent.length > 0 || folder ? parent : Buffer.from("/")]);
  // In a machine that runs, folders and links come and go.
  const passing = <T>(there: Promise<T>, instead: T): Promise<T> =>
    within
      ? there.catch((error: NodeJS.ErrnoException) => (error.code === "ENOENT" ? instead : Promise.reject(error)))
      : there;
  const entries = await passing(readdir(above, { withFileTypes: true, encoding: "buffer" }), []);
  for (const entry of entries.sort((a, b) => a.name.compare(b.name))) {
    const below = Buffer.concat([Buffer.from("/"), entry.name]);
    const inside = Buffer.concat([parent, below]);
    const file = Buffer.concat([Buffer.from(folder), inside]);
    const base = { path: inside.toString(), name: entry.name, parent, file };
    if (entry.isSymbolicLink())
      yield { ...base, kind: "link", target: await passing(readlink(file, { encoding: "buffer" }), Buffer.alloc(0)) };
    else yield { ...base, kind: entry.isFile() ? "file" : "other" };
    if (entry.isDirectory() && (!within || (await passing(within(file), false))))
      yield* walkLayer(folder, { ...walking, parent: inside });
  }
}

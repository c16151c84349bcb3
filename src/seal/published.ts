import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { open, readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";

const DPKG = "var/lib/dpkg/info";
const COMPILED = /\/__pycache__\/[^/]+\.pyc$/;
const SYSTEM = /^\/(?:usr\/(?!local\/)|lib|bin|sbin)/;
const ELF = Buffer.from("\x7fELF", "latin1");

/** Tells files that everybody has, since a distribution's packages brought them: libraries carry keys for self-tests. */
export class Published {
  readonly #folder: string;
  #sums: Promise<ReadonlySet<string>> | undefined;

  /** @param folder the layer; what was installed in it has its md5sums in it (deb-md5sums(5)). */
  constructor(folder: string) {
    this.#folder = folder;
  }

  /** True for a file as its package brought it, a system's program, and Python's copy of a source that is searched too. */
  async has(path: string, file: Buffer): Promise<boolean> {
    if (COMPILED.test(path) || (SYSTEM.test(path) && (await isElf(file)))) return true;
    this.#sums ??= readSums(join(this.#folder, DPKG));
    const sums = await this.#sums;
    return sums.size > 0 && sums.has(await md5(file));
  }
}

async function readSums(info: string): Promise<ReadonlySet<string>> {
  const sums = new Set<string>();
  for (const name of await readdir(info).catch(() => []))
    if (name.endsWith(".md5sums"))
      for (const line of (await readFile(join(info, name), "utf8")).split("\n")) sums.add(line.slice(0, 32));
  sums.delete("");
  return sums;
}

async function md5(file: Buffer): Promise<string> {
  const hash = createHash("md5");
  await pipeline(createReadStream(file), hash);
  return hash.digest("hex");
}

async function isElf(file: Buffer): Promise<boolean> {
  const handle = await open(file);
  try {
    const { buffer } = await handle.read(Buffer.alloc(ELF.length), 0, ELF.length, 0);
    return buffer.equals(ELF);
  } finally {
    await handle.close();
  }
}

import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { BootlaceError } from "../../stage2/index.ts";
import { ChannelLog } from "./channel-log.ts";
import { checkBlob } from "./check-blob.ts";
import { copyBlob } from "./copy-blob.ts";
import { type BlobRef, blobKey, type LocalBlob, type Store } from "./store.ts";

/** A store in a folder, local or mounted. Everything appears by rename or link, so readers need no lock. */
export class FolderStore implements Store {
  readonly url: string;
  private readonly folder: string;
  private readonly channels: ChannelLog;

  /** @param folder Absolute path; made by the first publisher. */
  constructor(folder: string) {
    this.folder = folder;
    this.url = pathToFileURL(folder).href;
    this.channels = new ChannelLog(join(folder, "channels"));
  }

  async has(blob: BlobRef): Promise<boolean> {
    return (await stat(join(this.folder, blobKey(blob))).catch(() => undefined))?.size === blob.bytes;
  }

  put(blob: LocalBlob, onBytes?: (sent: number) => void): Promise<"sent" | "there"> {
    return this.told(copyBlob(blob, join(this.folder, blobKey(blob)), onBytes));
  }

  async get(blob: BlobRef): Promise<Buffer | undefined> {
    if (!(await stat(join(this.folder, blobKey(blob))).catch(() => undefined))) return undefined;
    return checkBlob(blob, await this.told(readFile(join(this.folder, blobKey(blob)))), this.url);
  }

  readChannel(name: string): Promise<string | undefined> {
    return this.told(this.channels.read(name));
  }

  moveChannel(name: string, next: string, expected: string | undefined): Promise<void> {
    return this.told(this.channels.move(name, next, expected));
  }

  history(name: string, limit = Number.MAX_SAFE_INTEGER): Promise<readonly string[]> {
    return this.told(this.channels.history(name, limit));
  }

  settle(name: string): Promise<void> {
    return this.told(this.channels.bringForward(name));
  }

  async results(deployment: string): Promise<ReadonlyMap<string, string>> {
    const folder = join(this.folder, "results", deployment);
    const names = (await readdir(folder).catch(() => [])).filter((name) => name.endsWith(".json"));
    const texts = names.map(async (name) => [name.slice(0, -5), await readFile(join(folder, name), "utf8")] as const);
    return new Map(await this.told(Promise.all(texts)));
  }

  /** Full disks and missing rights are what happens to folders: told as the store's failure, with the path in it. */
  private async told<T>(work: Promise<T>): Promise<T> {
    try {
      return await work;
    } catch (error) {
      if (!(error instanceof Error) || !("syscall" in error)) throw error;
      throw new BootlaceError("E_STORE_UNREACHABLE", `The store ${this.url} cannot be used: ${error.message}`, {
        cause: error,
      });
    }
  }
}

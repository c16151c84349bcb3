import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { withFileLock } from "../../machine/file-lock.ts";
import { claimJson, readJson, writeJson } from "../../machine/machine-folder.ts";
import { presentRecord, type StoredRecord } from "../former-record.ts";
import { type ImageRecord, imageFolder, imageName, imagesFolder } from "../image-record.ts";
import type { ImageRecords, RecordChanges } from "./image-records.ts";
import { recordChanged, recordTaken } from "./record-errors.ts";

/** Records in the project's folder, `.bootlace/images/NAME/ID/image.json`, beside the images' own files. */
export class FileRecords implements ImageRecords {
  readonly shared = false;
  readonly place = ".bootlace/images";
  private readonly dir: string;

  /** @param dir the project's folder, absolute. */
  constructor(dir: string) {
    this.dir = dir;
  }

  async add(record: ImageRecord): Promise<void> {
    if (!(await claimJson(this.file(record.name, record.id), record))) throw recordTaken(record, this.place);
  }

  /** Reading, comparing and writing are one act for all processes of this computer. */
  change(seen: ImageRecord, changes: RecordChanges): Promise<ImageRecord> {
    return withFileLock(`${imagesFolder(this.dir)}.lock`, async () => {
      const now = await this.get(seen.name, seen.id);
      if (now?.revision !== seen.revision) throw recordChanged(seen, this.place);
      const changed: ImageRecord = { ...now, ...changes, revision: now.revision + 1 };
      await writeJson(this.file(seen.name, seen.id), changed);
      return changed;
    });
  }

  async get(name: string, id: string): Promise<ImageRecord | undefined> {
    const stored = await readJson<StoredRecord>(this.file(name, id));
    return stored && presentRecord(stored, (parent) => this.get(parent.name, parent.id));
  }

  async named(name: string): Promise<readonly ImageRecord[]> {
    const ids = await readdir(join(imagesFolder(this.dir), name)).catch(() => []);
    const records = await Promise.all(
      ids
        .sort()
        .reverse()
        .map((id) => this.get(name, id)),
    );
    return records.filter((record) => record !== undefined);
  }

  async all(): Promise<readonly ImageRecord[]> {
    const names = (await readdir(imagesFolder(this.dir)).catch(() => [])).sort();
    return (await Promise.all(names.map((name) => this.named(name)))).flat();
  }

  async line(root: string): Promise<readonly ImageRecord[]> {
    return (await this.all())
      .filter(({ lineage }) => lineage === root)
      .sort((a, b) => (`${b.id} ${imageName(b)}` < `${a.id} ${imageName(a)}` ? -1 : 1));
  }

  private file(name: string, id: string): string {
    return join(imageFolder(this.dir, name, id), "image.json");
  }
}

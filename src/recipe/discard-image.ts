import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { imageFolder } from "../image/image-record.ts";
import { alterRecord } from "../image/records/alter-record.ts";
import { openRecords } from "../image/records/open-records.ts";
import type { Origin, Provider } from "../machine/machine.ts";
import { removeFolder } from "../machine/machine-folder.ts";

export interface Discarded {
  readonly dir: string;
  readonly provider: Provider;
  readonly image: { readonly name: string; readonly id: string };
  /** What a capture left at the provider, where the caller knows. */
  readonly origin?: Origin | undefined;
  /** For the record: `its build failed`. */
  readonly why: string;
  /** Also one that is good already: its build itself gives it up. */
  readonly evenGood?: boolean;
}

/**
 * Removes what a build made of an image that came to nothing. Its record stays and says so; one that was put into
 * quarantine, and its image, stay for whoever looks. Does nothing to what is gone.
 */
export async function discardImage({ dir, provider, image, origin, why, evenGood }: Discarded): Promise<void> {
  const records = await openRecords(dir);
  const record = await records.get(image.name, image.id);
  if (record && record.state !== "building" && !(evenGood && record.state === "good")) return;
  if (origin) await provider.removeImage?.(origin);
  await removeImageFiles(dir, image);
  if (record) await alterRecord(records, record, () => ({ state: "gone", reason: why }));
}

/** All local files of an image but its record. */
export async function removeImageFiles(dir: string, { name, id }: Discarded["image"]): Promise<void> {
  const folder = imageFolder(dir, name, id);
  const files = await readdir(folder).catch(() => [] as string[]);
  for (const file of files) if (file !== "image.json") await removeFolder(join(folder, file));
  // Where records lie elsewhere, or there never was one, nothing is worth a folder.
  if (!files.includes("image.json")) await removeFolder(folder);
}

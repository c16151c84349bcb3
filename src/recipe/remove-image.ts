import { BootlaceError } from "../../stage2/index.ts";
import { isHere, placeOfFiles } from "../image/find-image.ts";
import { type ImageRecord, imageName, keptOrigins } from "../image/image-record.ts";
import { alterRecord } from "../image/records/alter-record.ts";
import type { ImageRecords } from "../image/records/image-records.ts";
import { providerNamed } from "../machine/providers.ts";
import { removeImageFiles } from "./discard-image.ts";

/**
 * Removes an image that nothing stands on, everywhere it is. Its record stays as `gone`. May be asked for again after it
 * failed.
 *
 * @throws {BootlaceError} `E_IMAGE_ELSEWHERE` where its files are another desk's; what its provider throws.
 */
export async function removeImage(dir: string, records: ImageRecords, image: ImageRecord): Promise<void> {
  if (records.shared && image.layers.length > 0 && !isHere(dir, image))
    throw new BootlaceError("E_IMAGE_ELSEWHERE", `The files of ${imageName(image)} lie at ${placeOfFiles(image)}`, {
      hint: "Remove it there.",
    });
  // From here on nobody takes it for an image to start from.
  if (image.state === "good")
    await alterRecord(records, image, () => ({ state: "deprecated", reason: "it is being removed" }));
  const provider = providerNamed(image.provider);
  for (const origin of keptOrigins(image)) await provider.removeImage?.(origin);
  await removeImageFiles(dir, image);
  await alterRecord(records, image, () => ({ state: "gone", reason: "it was removed" }));
}

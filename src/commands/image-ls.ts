import { EXIT, shownBytes } from "../../stage2/index.ts";
import type { CommandRun } from "../cli/command.ts";
import { plural } from "../cli/plural.ts";
import { age } from "../image/age.ts";
import { type ImageRecord, listImages } from "../image/image-record.ts";
import { imageUsers } from "../image/image-users.ts";
import { placeOf } from "../machine/providers.ts";

/** `bootlace image ls` */
const imageLs: CommandRun = async ({ dir, json, stdout }) => {
  const images = await listImages(dir);
  if (json) {
    const rows = await Promise.all(images.map(async (image) => ({ ...image, users: await imageUsers(dir, image) })));
    stdout.write(`${JSON.stringify(rows)}\n`);
    return EXIT.ok;
  }
  if (images.length === 0) stdout.write("No image was built yet. Build one: bootlace build IMAGE\n");
  for (const image of images) {
    const users = await imageUsers(dir, image);
    const parts = [
      `${image.name}/${image.id}`.padEnd(36),
      `${age(Date.now() - image.created)} old`.padEnd(16),
      sizeOrPlace(image).padStart(10),
      `  ${plural(image.services.length, "service")}`,
      users.length > 0 ? `  used by ${users.join(", ")}` : "",
    ];
    stdout.write(`${parts.join(" ").trimEnd()}\n`);
  }
  return EXIT.ok;
};

export default imageLs;

/** Of the image's own layer, or what its provider calls it. */
function sizeOrPlace({ provider, origin, layers }: ImageRecord): string {
  const own = layers.at(-1);
  return own ? shownBytes(own.bytes) : placeOf(provider, origin);
}

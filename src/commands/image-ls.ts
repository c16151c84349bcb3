import { EXIT, shownBytes } from "../../stage2/index.ts";
import type { CommandRun } from "../cli/command.ts";
import { plural } from "../cli/plural.ts";
import { age } from "../image/age.ts";
import { isHere, placeOfFiles } from "../image/find-image.ts";
import { type ImageRecord, imageName } from "../image/image-record.ts";
import { localUsers, machinesHere } from "../image/image-users.ts";
import { openRecords } from "../image/records/open-records.ts";
import { placeOf } from "../machine/providers.ts";

/** `bootlace image ls [NAME] [--all] [--state STATE]` */
const imageLs: CommandRun = async ({ dir, args, options, json, stdout }) => {
  const records = await openRecords(dir);
  const [all, machines] = await Promise.all([records.all(), machinesHere(dir)]);
  const wanted = (image: ImageRecord): boolean =>
    (args[0] === undefined || image.name === args[0]) &&
    (typeof options.state === "string"
      ? image.state === options.state
      : image.state !== "gone" || options.all === true);
  const images = all.filter(wanted).map((image) => ({ ...image, users: localUsers(image, all, machines) }));
  if (json) {
    stdout.write(`${JSON.stringify(images)}\n`);
    return EXIT.ok;
  }
  if (images.length === 0)
    stdout.write(
      all.length === 0
        ? "No image was built yet. Build one: bootlace build IMAGE\n"
        : "No image is like that; --all shows those that are gone too\n",
    );
  for (const image of images) {
    const parts = [
      imageName(image).padEnd(36),
      image.state.padEnd(11),
      `${age(Date.now() - image.created)} old`.padEnd(16),
      sizeOrPlace(image).padStart(10),
      `  ${plural(image.services.length, "service")}`,
      image.state !== "gone" && !isHere(dir, image) ? `  at ${placeOfFiles(image)}` : "",
      image.users.length > 0 ? `  used by ${image.users.join(", ")}` : "",
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

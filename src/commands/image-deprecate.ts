import { BootlaceError, EXIT } from "../../stage2/index.ts";
import type { CommandRun } from "../cli/command.ts";
import { imageNamed } from "../image/find-image.ts";
import { imageName, keptOrigins } from "../image/image-record.ts";
import { alterRecord } from "../image/records/alter-record.ts";
import { openRecords } from "../image/records/open-records.ts";
import { providerNamed } from "../machine/providers.ts";

/** A provider wants a moment to come, and counts in minutes. */
const SOON = 120_000;

/** `bootlace image deprecate NAME[/ID] [--reason TEXT] [--undo]` */
const imageDeprecate: CommandRun = async ({ dir, args, options, json, stdout }) => {
  const records = await openRecords(dir);
  const image = await imageNamed(records, args[0] ?? "");
  const undo = options.undo === true;
  const reason = typeof options.reason === "string" ? options.reason : undefined;
  const changed = await alterRecord(records, image, (now) => {
    if (!undo) return { state: "deprecated", reason };
    if (now.state === "deprecated") return { state: "good", reason: undefined };
    throw new BootlaceError(
      "E_IMAGE_STATE",
      `${imageName(now)} is ${now.state}, not deprecated: there is nothing to undo`,
    );
  });
  const { deprecateImage } = providerNamed(image.provider);
  for (const origin of keptOrigins(image)) await deprecateImage?.(origin, undo ? undefined : Date.now() + SOON);
  stdout.write(
    json
      ? `${JSON.stringify({ image: imageName(image), state: changed.state })}\n`
      : `${imageName(image)} is ${changed.state}${undo ? "" : ": nothing new is made from it; what runs goes on"}\n`,
  );
  return EXIT.ok;
};

export default imageDeprecate;

import { BootlaceError, EXIT } from "../../stage2/index.ts";
import type { CommandRun } from "../cli/command.ts";
import { imageNamed } from "../image/find-image.ts";
import { imageName, keptOrigins } from "../image/image-record.ts";
import { alterRecord } from "../image/records/alter-record.ts";
import { openRecords } from "../image/records/open-records.ts";
import { providerNamed } from "../machine/providers.ts";

/** Keys and values that EC2 takes as tags too ("Tag restrictions", Amazon EC2 User Guide); ours are not a person's to set. */
const TAG = /^((?!aws:|bootlace:)[\p{L}\p{N} +=._:/@-]{1,127}?)=([\p{L}\p{N} +=._:/@-]{0,255})$/u;

/** `bootlace image tag NAME[/ID] KEY=VALUE…`; `KEY=` takes a tag away. */
const imageTag: CommandRun = async ({ dir, args, json, stdout }) => {
  const [target = "", ...words] = args;
  const given = words.map(pairOf);
  const records = await openRecords(dir);
  const image = await imageNamed(records, target);
  const changed = await alterRecord(records, image, ({ tags }) => ({
    tags: Object.fromEntries(
      Object.entries({ ...tags, ...Object.fromEntries(given) }).filter(([, value]) => value !== ""),
    ),
  }));
  const { tagImage } = providerNamed(image.provider);
  if (image.state !== "gone")
    for (const origin of keptOrigins(image)) await tagImage?.(origin, Object.fromEntries(given));
  const shown = Object.entries(changed.tags).map(([key, value]) => `${key}=${value}`);
  stdout.write(
    json
      ? `${JSON.stringify({ image: imageName(image), tags: changed.tags })}\n`
      : `${imageName(image)}: ${shown.join(", ") || "no tags"}\n`,
  );
  return EXIT.ok;
};

export default imageTag;

function pairOf(word: string): readonly [string, string] {
  const [, key, value] = TAG.exec(word) ?? [];
  if (key !== undefined && value !== undefined) return [key, value];
  throw new BootlaceError("E_USAGE", `Expected KEY=VALUE, ${word} came`, {
    hint: "Letters, digits, blanks and +-=._:/@; keys that begin with aws: or bootlace: are not yours to set.",
  });
}

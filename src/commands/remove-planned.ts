import { BootlaceError, EXIT, type ExitCode } from "../../stage2/index.ts";
import type { CommandContext } from "../cli/command.ts";
import { plural } from "../cli/plural.ts";
import { age } from "../image/age.ts";
import { imageName } from "../image/image-record.ts";
import { planRemoval, type Removal } from "../image/plan-removal.ts";
import type { ImageRecords } from "../image/records/image-records.ts";
import { placeOf } from "../machine/providers.ts";
import { confirm } from "../recipe/confirm.ts";
import { removeImage } from "../recipe/remove-image.ts";

/** Shows what would be removed and what stays, asks, removes. With `--plan` it ends after showing. */
export async function removePlanned(
  context: CommandContext,
  records: ImageRecords,
  plan: readonly Removal[],
): Promise<ExitCode> {
  const { options, json, stdout } = context;
  const going = plan.filter(({ users }) => users.length === 0);
  const dry = options.plan === true;
  if (!json) {
    for (const { image, users } of plan) {
      const place = placeOf(image.provider, image.origin);
      const about = `${imageName(image)} (${[image.state, `${age(Date.now() - image.created)} old`, place].filter(Boolean).join(", ")})`;
      stdout.write(users.length === 0 ? `would remove ${about}\n` : `stays ${about}: used by ${users.join(", ")}\n`);
    }
    if (going.length === 0) stdout.write("Nothing is to be removed\n");
  }
  if (!dry && going.length > 0) {
    const question = `Remove ${plural(going.length, "image")} with all files and snapshots?`;
    if (!context.yes && !(await confirm(question, context)))
      throw new BootlaceError("E_USAGE", "Nothing was removed: nobody said yes", { hint: "Say it beforehand: --yes" });
    await removeEach(context, records, going);
  }
  if (json) {
    const shown = plan.map(({ image, users }) => ({ image: imageName(image), users }));
    stdout.write(`${JSON.stringify({ removed: !dry, images: shown })}\n`);
  }
  return EXIT.ok;
}

/**
 * One that cannot be removed keeps no other from its turn. What came to stand on an image while the question was open is
 * looked at again.
 *
 * @throws the first failure, when all others had their turn.
 */
async function removeEach(
  { dir, json, stdout }: CommandContext,
  records: ImageRecords,
  going: readonly Removal[],
): Promise<void> {
  const failures: unknown[] = [];
  for (const { image } of going) {
    try {
      const [now] = await planRemoval(dir, [image], await records.all());
      if (now && now.users.length > 0) {
        const users = now.users.join(", ");
        throw new BootlaceError("E_IMAGE_STATE", `${imageName(image)} is used by ${users} by now, and stays`);
      }
      await removeImage(dir, records, image);
      if (!json) stdout.write(`removed ${imageName(image)}\n`);
    } catch (error) {
      failures.push(error);
      if (!json) stdout.write(`not removed ${imageName(image)}: ${error instanceof Error ? error.message : error}\n`);
    }
  }
  if (failures.length > 0) throw failures[0];
}

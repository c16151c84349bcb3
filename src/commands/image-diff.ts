import { EXIT } from "../../stage2/index.ts";
import type { CommandRun } from "../cli/command.ts";
import { type Difference, diffImages, haveInventories } from "../image/diff-images.ts";
import { imageNamed } from "../image/find-image.ts";
import { imageName } from "../image/image-record.ts";
import { openRecords } from "../image/records/open-records.ts";

/** `bootlace image diff A B` */
const imageDiff: CommandRun = async ({ dir, args, json, stdout }) => {
  const records = await openRecords(dir);
  const [before, after] = await Promise.all([imageNamed(records, args[0] ?? ""), imageNamed(records, args[1] ?? "")]);
  const differences = diffImages(before, after);
  if (json) {
    stdout.write(`${JSON.stringify({ before: imageName(before), after: imageName(after), differences })}\n`);
    return EXIT.ok;
  }
  stdout.write(`--- ${imageName(before)}\n+++ ${imageName(after)}\n`);
  let part = "";
  for (const difference of differences) {
    if (difference.part !== part) stdout.write(`${difference.part}\n`);
    part = difference.part;
    stdout.write(`  ${shown(difference)}\n`);
  }
  if (differences.length === 0) stdout.write("Nothing differs\n");
  if (!haveInventories(before, after))
    stdout.write(
      "One of them was not looked at when it was built: nothing is known of units, users, ports and files\n",
    );
  return EXIT.ok;
};

export default imageDiff;

function shown({ what, before, after }: Difference): string {
  if (before === undefined) return `+ ${what} ${after}`.trimEnd();
  if (after === undefined) return `- ${what} ${before}`.trimEnd();
  return `~ ${what} ${before} → ${after}`;
}

import { BootlaceError } from "../../stage2/index.ts";
import type { CommandRun } from "../cli/command.ts";
import { imageNamed } from "../image/find-image.ts";
import { imageName } from "../image/image-record.ts";
import { planRemoval } from "../image/plan-removal.ts";
import { openRecords } from "../image/records/open-records.ts";
import { removePlanned } from "./remove-planned.ts";

/** `bootlace image rm NAME/ID… [--plan]` */
const imageRm: CommandRun = async (context) => {
  const { dir, args, options } = context;
  const records = await openRecords(dir);
  for (const target of args)
    if (!target.includes("/"))
      throw new BootlaceError(
        "E_USAGE",
        `Expected NAME/ID, ${target} came: a name alone stands for another image tomorrow`,
        {
          hint: `\`bootlace image ls ${target}\` shows them; \`bootlace image prune ${target}\` removes old ones.`,
        },
      );
  const wanted = await Promise.all([...new Set(args)].map((target) => imageNamed(records, target)));
  for (const image of wanted)
    if (image.state === "building" || image.state === "gone")
      throw new BootlaceError("E_IMAGE_STATE", `${imageName(image)} is ${image.state}`, {
        hint:
          image.state === "gone"
            ? "There is nothing to remove; its record stays as history."
            : "Its build is under way, or its desk died: `bootlace gc` removes what such ones left.",
      });
  const plan = await planRemoval(dir, wanted, await records.all());
  const used = plan.filter(({ users }) => users.length > 0);
  if (used.length > 0 && options.plan !== true)
    throw new BootlaceError(
      "E_IMAGE_IN_USE",
      used.map(({ image, users }) => `${imageName(image)} is used by ${users.join(", ")}`).join("; "),
      { hint: "Nothing was removed." },
    );
  return removePlanned(context, records, plan);
};

export default imageRm;

import type { CommandRun } from "../cli/command.ts";
import { isHere } from "../image/find-image.ts";
import { planRemoval } from "../image/plan-removal.ts";
import { pruneImages } from "../image/prune-images.ts";
import { openRecords } from "../image/records/open-records.ts";
import { loadConfig } from "../project/load-config.ts";
import { removePlanned } from "./remove-planned.ts";

/** How many good ones stay where bootlace.yaml has no `keep`. */
const KEEP = 3;

/** `bootlace image prune [NAME…] [--keep N] [--older-than TIME] [--plan]` */
const imagePrune: CommandRun = async (context) => {
  const { dir, args, options } = context;
  const config = loadConfig(dir);
  const records = await openRecords(dir);
  const all = await records.all();
  const names = args.length > 0 ? args : [...new Set(all.map(({ name }) => name))];
  const now = Date.now();
  const olderThan = typeof options.olderThan === "number" ? options.olderThan : 0;
  const wanted = names.flatMap((name) => {
    const keep = typeof options.keep === "number" ? options.keep : (config.images[name]?.keep ?? KEEP);
    // Local images of other desks are theirs to prune.
    const images = all.filter((image) => image.name === name && isHere(dir, image));
    return pruneImages(images, { keep, olderThan, now });
  });
  return removePlanned(context, records, await planRemoval(dir, wanted, all));
};

export default imagePrune;

import { resolve } from "node:path";
import { BootlaceError, EXIT } from "../../stage2/index.ts";
import type { CommandRun } from "../cli/command.ts";
import { imageNamed } from "../image/find-image.ts";
import { imageBase } from "../image/image-record.ts";
import { openRecords } from "../image/records/open-records.ts";
import { exportDisk } from "../machine/providers.ts";

/** `bootlace image export NAME[/ID] FILE [--format F] [--chain] [--compress]` */
const imageExport: CommandRun = async ({ dir, args, options, json, stdout, signal }) => {
  const [target = "", file = ""] = args;
  const image = await imageNamed(await openRecords(dir), target);
  const base = imageBase(dir, image);
  if (image.provider !== "qemu" || base.kind !== "layers")
    throw new BootlaceError("E_PROVIDER_UNSUPPORTED", `Image ${target} is of ${image.provider}: it has no disk`, {
      hint: `Build it as one: bootlace build ${image.name} --on qemu`,
    });
  const format = options.format === "raw" ? "raw" : "qcow2";
  const standalone = options.chain !== true;
  for (const [option, given] of [
    ["--chain", options.chain],
    ["--compress", options.compress],
  ])
    if (given === true && format === "raw")
      throw new BootlaceError("E_USAGE", `${option} and --format raw do not go together`);
  const wanted = { format, standalone, compressed: options.compress === true, signal } as const;
  const written = await exportDisk(base, resolve(file), wanted);
  if (json) stdout.write(`${JSON.stringify({ written })}\n`);
  else for (const path of written) stdout.write(`${path}\n`);
  return EXIT.ok;
};

export default imageExport;

import { EXIT } from "../../stage2/index.ts";
import type { CommandRun } from "../cli/command.ts";
import { age } from "../image/age.ts";
import { findGarbage, removeGarbage } from "../recipe/collect-garbage.ts";

/** `bootlace gc [--plan] [--all]` */
const gc: CommandRun = async ({ dir, options, json, stdout }) => {
  const garbage = await findGarbage(dir, Date.now(), options.all === true);
  const plan = options.plan === true;
  if (!plan) await removeGarbage(dir, garbage);
  if (json) {
    stdout.write(`${JSON.stringify({ removed: !plan, ...garbage })}\n`);
    return EXIT.ok;
  }
  const verb = plan ? "would remove" : "removed";
  for (const entry of garbage.entries)
    stdout.write(
      `${verb} ${entry.id} (${entry.of}, ${entry.state === "kept" ? "kept" : "its desk died"}, ${age(Date.now() - entry.created)} old)\n`,
    );
  for (const { what } of garbage.remote) stdout.write(`${verb} ${what}\n`);
  for (const layer of garbage.layers) stdout.write(`${verb} unpacked layer ${layer}\n`);
  if (garbage.entries.length + garbage.layers.length + garbage.remote.length === 0)
    stdout.write("Nothing is left over\n");
  return EXIT.ok;
};

export default gc;

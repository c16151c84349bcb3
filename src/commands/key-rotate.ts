import { EXIT } from "../../stage2/index.ts";
import type { CommandRun } from "../cli/command.ts";
import { finishRotation, rotateKey } from "../trust/change-keys.ts";
import { sayKey } from "./key-new.ts";

/** `bootlace key rotate [--kms ARN] | --finish` */
const run: CommandRun = async (context) => {
  const { dir, options, json, stdout } = context;
  if (options.finish === true) {
    const dropped = (await finishRotation(dir)).map(({ id }) => id);
    stdout.write(
      json
        ? `${JSON.stringify({ dropped })}\n`
        : `dropped ${dropped.join(", ")} from trust/\n  deploy each channel now: machines that accept the new epoch trust the old key no more\n  a machine that never booted in between refuses it: bring it the new key with bootlace apply\n`,
    );
    return EXIT.ok;
  }
  sayKey(context, await rotateKey(dir, typeof options.kms === "string" ? options.kms : undefined));
  if (!json) stdout.write("  deploy each channel now; when machines have booted once: bootlace key rotate --finish\n");
  return EXIT.ok;
};

export default run;

import { BootlaceError, EXIT } from "../../stage2/index.ts";
import type { CommandContext, CommandRun } from "../cli/command.ts";
import { assertKeySeen } from "../deploy/assert-key-seen.ts";
import { channelName } from "../deploy/channel-name.ts";
import { openProjectStore } from "../deploy/project-store.ts";
import { loadProject } from "../project/load-project.ts";
import { finishRotation, keysInChange, rotateKey } from "../trust/change-keys.ts";
import { assertOptionPairs } from "./assert-option-pairs.ts";
import { sayKey } from "./key-new.ts";

/** `bootlace key rotate [--kms ARN] | --finish [CHANNEL…] [--force]` */
const run: CommandRun = async (context) => {
  const { dir, args, options, json, stdout } = context;
  if (options.finish === true) return finish(context);
  assertOptionPairs(options, { force: "finish", store: "finish" });
  if (args.length > 0)
    throw new BootlaceError("E_USAGE", "Channels are named with --finish: they are what it looks at");
  sayKey(context, await rotateKey(dir, typeof options.kms === "string" ? options.kms : undefined));
  if (!json) stdout.write("  deploy each channel now; when machines have booted once: bootlace key rotate --finish\n");
  return EXIT.ok;
};

export default run;

async function finish({ dir, args, options, json, stdout }: CommandContext): ReturnType<CommandRun> {
  if (options.kms !== undefined) {
    throw new BootlaceError("E_USAGE", "--kms names a key to begin a change with, and --finish ends one");
  }
  const named = args.map(channelName);
  const { fresh } = await keysInChange(dir);
  const forced = options.force === true;
  if (!forced) {
    const { config } = await loadProject(dir);
    const store = openProjectStore(config, dir, options.store);
    const follow = config.boot.follow === "none" ? [] : [config.boot.follow];
    await assertKeySeen({ store, project: config.name }, named.length > 0 ? named : follow, fresh);
  }
  const dropped = (await finishRotation(dir)).map(({ id }) => id);
  if (json) {
    stdout.write(`${JSON.stringify({ dropped, forced })}\n`);
    return EXIT.ok;
  }
  const lines = [
    `dropped ${dropped.join(", ")} from trust/`,
    "  deploy each channel now: machines that accept the new epoch trust the old key no more",
    `  a machine that has not booted with ${fresh.map(({ id }) => id).join(", ")} refuses whatever is published from now on,`,
    "  boots its last good bundle and says so: bring it the new key with bootlace up, or apply --here on it",
    ...(forced ? ["  --force: no channel was looked at, so this may be all machines"] : []),
  ];
  stdout.write(`${lines.join("\n")}\n`);
  return EXIT.ok;
}

import { EXIT } from "../../stage2/index.ts";
import type { CommandRun } from "../cli/command.ts";
import { findMachine } from "../machine/find-machine.ts";

/** `bootlace stop MACHINE` */
const stop: CommandRun = async ({ dir, args, json, stdout }) => {
  const machine = await findMachine(dir, args[0] ?? "");
  const before = await machine.status();
  await machine.stop();
  const said = { machine: machine.name, status: "stopped", was: before };
  stdout.write(
    json ? `${JSON.stringify(said)}\n` : `${machine.name} is stopped. Start it: bootlace up ${machine.name}\n`,
  );
  return EXIT.ok;
};

export default stop;

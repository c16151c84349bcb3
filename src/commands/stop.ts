import { EXIT } from "../../stage2/index.ts";
import type { CommandRun } from "../cli/command.ts";
import { findMachine } from "../machine/find-machine.ts";

/** `bootlace stop MACHINE` */
const stop: CommandRun = async ({ dir, args, json, stdout }) => {
  const machine = await findMachine(dir, args[0] ?? "");
  const before = await machine.status();
  const how = await machine.stop();
  const said = { machine: machine.name, status: "stopped", was: before, how };
  stdout.write(
    json
      ? `${JSON.stringify(said)}\n`
      : `${machine.name} is stopped${how === "cut off" ? ", by cutting its power: it did not end in time" : ""}. Start it: bootlace up ${machine.name}\n`,
  );
  return EXIT.ok;
};

export default stop;

import { EXIT } from "../../stage2/index.ts";
import type { CommandRun } from "../cli/command.ts";
import { readPrivateKey } from "../trust/private-keys.ts";
import { loadTrust } from "../trust/trust.ts";

/** `bootlace key ls` */
const run: CommandRun = async ({ dir, json, stdout }) => {
  const { keys, epoch } = await loadTrust(dir);
  const rows = await Promise.all(
    keys.map(async ({ id, from, to, kms }) => ({
      id,
      epochs: [from, to],
      private: kms ?? ((await readPrivateKey(id)) === undefined ? "not on this desk" : "on this desk"),
    })),
  );
  if (json) {
    stdout.write(`${JSON.stringify({ epoch, keys: rows })}\n`);
  } else if (rows.length === 0) {
    stdout.write("The project has no key: bootlace key new\n");
  } else {
    for (const row of rows) stdout.write(`${row.id}  epochs ${row.epochs.join(" to ")}  ${row.private}\n`);
    stdout.write(`pointers are signed for epoch ${epoch}\n`);
  }
  return EXIT.ok;
};

export default run;

import { BootlaceError, EXIT } from "../../stage2/index.ts";
import type { CommandRun } from "../cli/command.ts";
import { tableOf } from "../image/records/open-records.ts";
import { loadConfig } from "../project/load-config.ts";
import { tablePieces } from "../setup/dynamodb-setup.ts";
import { makePolicies } from "../setup/policies.ts";
import { bucketPieces } from "../setup/s3-setup.ts";
import { s3Settings } from "../store/s3-settings.ts";

/** `bootlace setup [--plan] [--policies]`: the bucket of the store and the table of records, once for all desks. */
const setup: CommandRun = async ({ dir, options, json, stdout, signal }) => {
  const config = loadConfig(dir);
  const { name: project, region } = config;
  const store = config.store.startsWith("s3:") ? s3Settings(config.store, { region, ...config.s3 }) : undefined;
  const table = tableOf(config.records);
  if (!store && table === undefined)
    throw new BootlaceError(
      "E_USAGE",
      "bootlace.yaml names neither a bucket nor a table, so there is nothing to make",
      {
        hint: "Write `store: s3://BUCKET/PREFIX`, `records: dynamodb:TABLE`, or both.",
      },
    );
  const policies = makePolicies({ project, region, store, table });
  const done: { readonly what: string; readonly was: boolean }[] = [];
  if (options.policies !== true) {
    const pieces = [
      ...(store ? await bucketPieces(store) : []),
      ...(table === undefined ? [] : await tablePieces({ table, region })),
    ];
    for (const piece of pieces) {
      signal.throwIfAborted();
      if (!piece.done && options.plan !== true) await piece.act();
      done.push({ what: piece.what, was: piece.done });
      const verb = piece.done ? "is there: " : options.plan === true ? "would make: " : "made: ";
      if (!json) stdout.write(`${verb}${piece.what}\n`);
    }
  }
  if (json) stdout.write(`${JSON.stringify({ made: options.plan !== true, pieces: done, policies })}\n`);
  else if (options.plan !== true)
    for (const [who, policy] of Object.entries(policies))
      if (policy.Statement.length > 0) stdout.write(`\n# IAM policy: ${who}\n${JSON.stringify(policy, null, 2)}\n`);
  return EXIT.ok;
};

export default setup;

import { EXIT } from "../../stage2/index.ts";
import type { CommandRun } from "../cli/command.ts";
import { channelTarget } from "../deploy/channel-name.ts";
import { published } from "../deploy/describe-pointer.ts";
import { publishedPayload } from "../deploy/payload.ts";
import { openProjectStore } from "../deploy/project-store.ts";
import { planPublish } from "../deploy/publish.ts";
import { type HistoryRow, historyRows, rollbackTarget } from "../deploy/rollback.ts";
import { runPublish } from "../deploy/run-publish.ts";
import { shownTime } from "../deploy/shown-time.ts";
import { loadConfig } from "../project/load-config.ts";
import { isStand } from "../rollout/goal.ts";
import { loadTrust } from "../trust/trust.ts";
import { assertOptionPairs } from "./assert-option-pairs.ts";

/** What `--list` shows without `--all`. */
const LISTED = 50;

/**
 * `bootlace rollback channel/NAME [--list] [--to SERIAL] [--plan]`: a new serial that points to an old bundle.
 * `lt/NAME`, `asg/NAME`, `ssm/NAME`: back to the image before.
 */
const rollback: CommandRun = async (context) => {
  const { dir, args, options, json, stdout } = context;
  if (isStand(args[0] ?? "")) {
    const { rollBackStand } = await import("../rollout/roll-back-stand.ts");
    return rollBackStand(context);
  }
  assertOptionPairs(options, { all: "list" });
  const channel = channelTarget(args[0] ?? "");
  const config = loadConfig(dir);
  const store = openProjectStore(config, dir, options.store);
  const trust = await loadTrust(dir);
  if (trust.keys.length === 0) await trust.signers();
  const place = { store, channel, project: config.name, keys: trust.keys };
  if (options.list === true) {
    const all = await historyRows(place);
    const rows = options.all === true ? all : all.slice(0, LISTED);
    const older = all.length - rows.length;
    if (json) stdout.write(`${JSON.stringify({ store: store.url, channel, history: rows, older })}\n`);
    else if (all.length === 0) stdout.write(`Nobody published to channel ${channel} yet\n`);
    else stdout.write(`${rows.map(line).join("")}${older > 0 ? `and ${older} older: --all\n` : ""}`);
    return EXIT.ok;
  }
  const target = await rollbackTarget(place, typeof options.to === "number" ? options.to : undefined);
  const payload = await publishedPayload(store, target);
  const input = { epoch: trust.epoch, lifetime: config.boot.lifetime, now: Date.now() };
  const plan = await planPublish({ ...place, ...input, payload });
  if (!json) stdout.write(`Back to what serial ${target.serial} of ${channel}, ${published(target)}, pointed to\n`);
  const result = await runPublish(plan, trust, options.plan === true, context);
  if (json) stdout.write(`${JSON.stringify({ ...result, to: target.serial })}\n`);
  return EXIT.ok;
};

export default rollback;

function line({ serial, created, by, bundle, current, signed }: HistoryRow): string {
  const when = created === undefined ? "" : shownTime(created);
  const columns = [
    `${serial ?? "?"}`.padStart(6),
    when.padEnd(16),
    (bundle?.slice(0, 12) ?? "no pointer").padEnd(12),
    (by ?? "").padEnd(20),
    [...(current ? ["current"] : []), ...(signed ? [] : ["not signed by a key of this project"])].join(", "),
  ];
  return `${columns.join("  ").trimEnd()}\n`;
}

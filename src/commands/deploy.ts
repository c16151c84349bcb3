import { resolve } from "node:path";
import { BootlaceError, createReporter, EXIT } from "../../stage2/index.ts";
import type { CommandContext, CommandRun } from "../cli/command.ts";
import { announce } from "../deploy/announce.ts";
import { channelName } from "../deploy/channel-name.ts";
import { channelPayload } from "../deploy/channel-payload.ts";
import type { ChannelPlace } from "../deploy/channel-state.ts";
import { collectResults, type MachineResult } from "../deploy/collect-results.ts";
import { followersOf, waitForFollowers } from "../deploy/followers.ts";
import { projectPayload } from "../deploy/payload.ts";
import { assertCanPresign, writePresigned } from "../deploy/presigned-file.ts";
import { openProjectStore } from "../deploy/project-store.ts";
import { planPublish } from "../deploy/publish.ts";
import { runPublish } from "../deploy/run-publish.ts";
import { parseDuration } from "../manifest/duration.ts";
import type { NotifyConfig, ProjectConfig } from "../manifest/project-schema.ts";
import { loadConfig } from "../project/load-config.ts";
import { loadProject } from "../project/load-project.ts";
import { loadTrust } from "../trust/trust.ts";
import { assertOptionPairs } from "./assert-option-pairs.ts";

const WAIT_MS = 15 * 60_000;
const PRESIGN_MS = 3_600_000;

/** `bootlace deploy CHANNEL`: packs the project (or takes another channel's bundle), sends what the store lacks, moves the channel. */
const deploy: CommandRun = async (context) => {
  const { dir, args, options, json, stdout } = context;
  assertOptionPairs(options, { timeout: "wait", for: "presign" });
  const channel = channelName(args[0] ?? "");
  const from = typeof options.from === "string" ? channelName(options.from) : undefined;
  const config = loadConfig(dir);
  const store = openProjectStore(config, dir, options.store);
  const presign = typeof options.presign === "string" ? resolve(options.presign) : undefined;
  const validFor = timeOf(options.for, PRESIGN_MS);
  if (presign !== undefined) assertCanPresign(store, validFor);
  const notify = options.notify === true ? topicOf(config) : undefined;
  const trust = await loadTrust(dir);
  // Says how to make one where there is none.
  if (trust.keys.length === 0) await trust.signers();
  const place: ChannelPlace = { store, channel, project: config.name, keys: trust.keys };
  const source = { insist: options.replace === true, now: Date.now() };
  const payload =
    from === undefined
      ? await projectPayload(await loadProject(dir))
      : await channelPayload({ ...place, channel: from }, source);
  const planned = options.plan === true;
  const input = {
    epoch: trust.epoch,
    lifetime: config.boot.lifetime,
    replace: options.replace === true,
    now: Date.now(),
  };
  const plan = await planPublish({ ...place, ...input, payload });
  const result = await runPublish(plan, trust, planned, context);
  if (presign !== undefined && !planned) {
    const blobs = payload.blobs.map(({ blob }) => blob);
    await writePresigned(store, presign, channel, blobs, validFor);
    if (!json)
      stdout.write(`  wrote ${blobs.length + 1} URLs to ${presign}; whoever has it reads them until they run out\n`);
  }
  const waited: Waited = planned
    ? {}
    : notify !== undefined
      ? await tellMachines(context, place, notify, result.bundle)
      : options.wait === true
        ? await waitOn(context, place, result.bundle)
        : {};
  const { failure, ...more } = waited;
  if (json) stdout.write(`${JSON.stringify({ ...result, ...(from === undefined ? {} : { from }), ...more })}\n`);
  if (failure) throw failure;
  return EXIT.ok;
};

export default deploy;

async function waitOn(
  { dir, options, json, stdout, signal }: CommandContext,
  place: ChannelPlace,
  bundle: string,
): Promise<Waited> {
  const { project, channel } = place;
  const machines = await followersOf({ dir, project, channel }, signal);
  const names = machines.map(({ name }) => name);
  if (machines.length === 0 && !json) stdout.write(`  no running machine of this project follows ${channel}\n`);
  const reporter = json ? undefined : createReporter({ stream: stdout });
  try {
    await waitForFollowers(machines, bundle, timeOf(options.timeout, WAIT_MS), reporter ?? (() => {}), signal);
  } finally {
    reporter?.close();
  }
  return { machines: names };
}

function topicOf({ notify }: ProjectConfig): NotifyConfig {
  if (notify !== undefined) return notify;
  throw new BootlaceError("E_NOTIFY", "bootlace.yaml names no topic that machines listen to", {
    hint: 'Write notify: {topic: "arn:aws:sns:…"} into bootlace.yaml; machines need the service bootlace/deploy-listener.',
  });
}

/** What is told beside the publication, and what is thrown after all has been told. */
interface Waited {
  readonly machines?: readonly string[];
  readonly deployment?: string;
  readonly results?: readonly MachineResult[];
  readonly failure?: BootlaceError;
}

async function tellMachines(
  context: CommandContext,
  { store, project, channel }: ChannelPlace,
  notify: NotifyConfig,
  bundle: string,
): Promise<Waited> {
  const { options, json, stdout, signal } = context;
  const say = (line: string): void => void (json || stdout.write(`  ${line}\n`));
  const wait = options.wait === true;
  const { deployment, machines } = await announce({ store, project, channel, notify, wait });
  say(`told ${notify.topic} of deployment ${deployment}`);
  if (!wait) return { deployment };
  if (machines.length === 0) say("no machine listens to it");
  const reporter = json ? undefined : createReporter({ stream: stdout });
  const waiting = { store, deployment, machines, bundle, timeout: timeOf(options.timeout, WAIT_MS), signal };
  try {
    const { results, failure } = await collectResults({ ...waiting, report: reporter ?? (() => {}) });
    return { deployment, results, ...(failure && { failure }) };
  } finally {
    reporter?.close();
  }
}

/** Options come parsed from the command line; callers of the function may give text. */
function timeOf(given: unknown, otherwise: number): number {
  return typeof given === "number"
    ? given
    : typeof given === "string"
      ? (parseDuration(given) ?? otherwise)
      : otherwise;
}

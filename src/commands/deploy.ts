import { resolve } from "node:path";
import { BootlaceError, EXIT } from "../../stage2/index.ts";
import { packBundle } from "../bundle/pack.ts";
import type { CommandRun } from "../cli/command.ts";
import { planPublish, publish, uploadRows } from "../deploy/publish.ts";
import { wantedRuntimes } from "../deploy/wanted-runtimes.ts";
import { loadProject } from "../project/load-project.ts";
import { obtainRuntime } from "../runtime/obtain-runtime.ts";
import { pinnedRuntime } from "../runtime/pinned.ts";
import { openStore } from "../store/open-store.ts";
import { blobKey } from "../store/store.ts";

/** `bootlace deploy CHANNEL [--store URL] [--plan]`: packs the project, sends what the store lacks, moves the channel. */
const deploy: CommandRun = async ({ dir, args, options, json, stdout }) => {
  const [channel = ""] = args;
  if (!/^[a-z0-9](?:[a-z0-9._-]{0,62}[a-z0-9])?$/.test(channel) || channel.includes("..")) {
    throw new BootlaceError(
      "E_USAGE",
      `"${channel}" is no channel: expected lower-case letters, digits, hyphens, dots`,
    );
  }
  const loaded = await loadProject(dir);
  const store =
    typeof options.store === "string"
      ? openStore(options.store, process.cwd())
      : openStore(loaded.config.store, resolve(dir));
  const plan = await planPublish({
    store,
    channel,
    project: loaded.config.name,
    bundle: await packBundle(loaded),
    runtimes: wantedRuntimes(loaded.config).map((arch) => ({
      pinned: pinnedRuntime(arch),
      file: async () => (await obtainRuntime(arch)).file,
    })),
    artifacts: loaded.artifacts,
    now: Date.now(),
  });
  const rows = uploadRows(plan);
  const say = (line: string): void => void (json || stdout.write(`${line}\n`));
  say(`${channel} of ${plan.next.project} in ${store.url}`);
  if (options.plan === true) {
    for (const { key, bytes, there } of rows) say(`  ${there ? "there" : "send "}  ${key}  ${size(bytes)}`);
  } else {
    await publish(plan, (blob) => say(`  sending ${blobKey(blob)}  ${size(blob.bytes)}`));
  }
  const { serial, bundle } = plan.moves ? plan.next : (plan.current?.pointer ?? plan.next);
  const would = options.plan === true ? "would move" : "moved";
  say(
    plan.moves
      ? `  ${would} to serial ${serial}, bundle ${bundle.digest.slice(0, 12)}`
      : `  points to bundle ${bundle.digest.slice(0, 12)} already, serial ${serial}`,
  );
  if (json) {
    const result = {
      store: store.url,
      channel,
      serial,
      bundle: bundle.digest,
      moves: plan.moves,
      planned: options.plan === true,
      blobs: rows,
    };
    stdout.write(`${JSON.stringify(result)}\n`);
  }
  return EXIT.ok;
};

export default deploy;

function size(bytes: number): string {
  return bytes < 1024
    ? `${bytes} B`
    : bytes < 1024 ** 2
      ? `${(bytes / 1024).toFixed(1)} KiB`
      : `${(bytes / 1024 ** 2).toFixed(1)} MiB`;
}

import { BootlaceError } from "../../stage2/index.ts";
import type { Bundle } from "../bundle/pack.ts";
import type { LoadedProject } from "../project/loaded.ts";
import { loadTrust } from "../trust/trust.ts";
import { readChannelState } from "./channel-state.ts";
import { openProjectStore } from "./project-store.ts";

/**
 * An image that follows a channel must hold the bundle that the channel points to: otherwise its first boot would replace
 * what was built and tested.
 *
 * @throws {BootlaceError} `E_NOT_PUBLISHED`; what reading the store throws.
 */
export async function assertPublished(loaded: LoadedProject, bundle: Bundle): Promise<void> {
  const { config, dir } = loaded;
  const channel = config.boot.follow;
  if (channel === "none") return;
  const store = openProjectStore(config, dir, undefined);
  const { keys } = await loadTrust(dir);
  const { current } = await readChannelState({ store, channel, project: config.name, keys });
  if (current?.refusal) throw current.refusal;
  const there = current?.pointer?.bundle.digest;
  if (there === bundle.digest) return;
  throw new BootlaceError(
    "E_NOT_PUBLISHED",
    `The image would follow channel ${channel} of ${store.url}, which points to ${there?.slice(0, 12) ?? "nothing"}, and hold bundle ${bundle.digest.slice(0, 12)}`,
  );
}

import { BootlaceError } from "../../stage2/index.ts";
import type { TrustedKey } from "../trust/trusted-key.ts";
import { bundleText } from "./bundle-text.ts";
import { type ChannelPlace, entryOf } from "./channel-state.ts";

/**
 * Before an old key is dropped: what machines of these channels fetch now must be signed by each new key, which only a
 * deploy after `key rotate` is, and its bundle must bring them that key. Whether they booted since, no desk can know.
 *
 * @throws {BootlaceError} `E_KEY_UNSEEN`, naming the first channel of which this is not so; what reading the store throws.
 */
export async function assertKeySeen(
  place: Omit<ChannelPlace, "channel" | "keys">,
  channels: readonly string[],
  fresh: readonly TrustedKey[],
): Promise<void> {
  const { store, project } = place;
  if (channels.length === 0) {
    const message = "The project follows no channel, so nothing says whether machines have the new key";
    throw new BootlaceError("E_KEY_UNSEEN", message, {
      hint: "Name the channels that machines follow: bootlace key rotate --finish stable prod. Without any, add --force.",
    });
  }
  for (const channel of channels) {
    const text = await store.readChannel(channel);
    for (const key of fresh) {
      if (text === undefined) throw unseen(`Nobody published to channel ${channel} in ${store.url}`, channel, key);
      const { pointer } = entryOf(text, { store, project, channel, keys: [key] });
      if (!pointer) throw unseen(`The pointer in channel ${channel} is not signed by the new key`, channel, key);
      const { bundle } = pointer;
      const packed = await store.get({ kind: "bundles", ...bundle });
      if (!packed || (await bundleText(packed, bundle.unpackedBytes, `trust/${key.id}.pem`)) === undefined) {
        // A rollback or `--from` signs with both keys, whatever was packed before there was the new one.
        throw unseen(`The bundle that channel ${channel} points to does not bring machines the new key`, channel, key);
      }
    }
  }
}

function unseen(why: string, channel: string, { id }: TrustedKey): BootlaceError {
  return new BootlaceError(
    "E_KEY_UNSEEN",
    `${why} ${id}: machines that follow it would refuse all that is published from now on`,
    {
      hint: `First bootlace deploy ${channel}, and let machines boot once. With --force the old key is dropped without a look.`,
    },
  );
}

import { BootlaceError } from "../../stage2/index.ts";
import { type ChannelPlace, newestFirst, readChannelState } from "./channel-state.ts";
import { type Payload, publishedPayload } from "./payload.ts";
import { shownTime } from "./shown-time.ts";

/**
 * What a channel points to now, for `deploy --from`. A pointer that machines would refuse there is not promoted: it would
 * be signed anew, and they would take it.
 *
 * @param insist Takes one that expired, or that is older than others of its channel, too.
 * @param now Milliseconds since 1970.
 * @throws {BootlaceError} `E_CHANNEL_EMPTY`, `E_CHANNEL_OLD`; `E_POINTER_SIGNATURE` for one that is not believed.
 */
export async function channelPayload(
  place: ChannelPlace,
  { insist, now }: { readonly insist: boolean; readonly now: number },
): Promise<Payload> {
  const { store, channel } = place;
  const { current, last } = await readChannelState(place);
  if (!current) throw new BootlaceError("E_CHANNEL_EMPTY", `Nobody published to channel ${channel} in ${store.url}`);
  const { pointer } = current;
  if (!pointer) throw current.refusal ?? new BootlaceError("E_POINTER", "The pointer is not accepted");
  const { epoch, serial, expires } = pointer;
  const older = newestFirst(pointer, last) > 0;
  const why = older
    ? `is at epoch ${epoch}, serial ${serial}, and was at epoch ${last.epoch}, serial ${last.serial}: somebody put an old pointer back`
    : expires !== undefined && expires * 1000 <= now
      ? `expired at ${shownTime(expires)} UTC`
      : undefined;
  if (why !== undefined && !insist) {
    throw new BootlaceError("E_CHANNEL_OLD", `The pointer of channel ${channel} ${why}`, {
      hint: `Deploy ${channel} anew and let its machines boot it, then promote it. With --replace it is taken as it is.`,
    });
  }
  return publishedPayload(store, pointer);
}

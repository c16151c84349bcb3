import { BootlaceError } from "../../stage2/index.ts";
import type { ChannelState } from "./channel-state.ts";

/** A number in a pointer has at most 15 digits, docs/contracts.md section 3. */
const LAST_SERIAL = 999_999_999_999_999;

/**
 * Epoch and serial of a channel's next pointer: one above what is believed in that epoch, and 1 in a new one, since
 * machines take a higher epoch with any serial. So what a leaked key counted up to ends with its epoch.
 *
 * @param epoch What the project's keys sign.
 * @throws {BootlaceError} `E_SERIAL_END`.
 */
export function nextNumber(
  epoch: number,
  { last, taken }: Pick<ChannelState, "last" | "taken">,
): { readonly epoch: number; readonly serial: number } {
  const next = Math.max(epoch, last.epoch);
  let serial = next > last.epoch ? 1 : last.serial + 1;
  while (taken.has(`${next}.${serial}`)) serial += 1;
  if (serial <= LAST_SERIAL) return { epoch: next, serial };
  throw new BootlaceError("E_SERIAL_END", `The serials of epoch ${next} are used up: finish a rotation`, {
    hint: "Somebody with a key of this project counted up to the end. `bootlace key rotate`, bring the new key to machines by hand (docs/trust.md), then `bootlace key rotate --finish --force`, and deploy: a new epoch begins at 1.",
  });
}

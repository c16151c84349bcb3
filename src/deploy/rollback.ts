import { BootlaceError } from "../../stage2/index.ts";
import { areInOrder, type ChannelPlace, claimed, type Entry, entryOf, readHistory } from "./channel-state.ts";
import type { Pointer } from "./pointer.ts";

/** What a rollback goes to is nearly always among so many of the newest; more is read only when it is not. */
const NEWEST = 20;

/**
 * Chooses what a channel goes back to: the pointer of that serial (of the highest epoch that has it), else the newest that
 * points to something else than the present one.
 *
 * @throws {BootlaceError} `E_ROLLBACK` when there is none, or none that is believed.
 */
export async function rollbackTarget(place: ChannelPlace, serial: number | undefined): Promise<Pointer> {
  const { channel, store } = place;
  const newest = (await store.history(channel, NEWEST)).map((text) => entryOf(text, place));
  const near = newest.length === NEWEST && areInOrder(newest) ? await choose(place, newest, serial) : undefined;
  // The last of them is in no order with what comes after it.
  if (near && near !== newest.at(-1)?.pointer) return near;
  const entries = await readHistory(place);
  const target = await choose(place, entries, serial);
  if (target) return target;
  if (entries.length === 0) throw new BootlaceError("E_ROLLBACK", `Nobody published to channel ${channel} yet`);
  if (serial !== undefined) throw noSerial(entries, serial, channel);
  throw new BootlaceError(
    "E_ROLLBACK",
    `Channel ${channel} has never pointed to another bundle that a key of this project signed`,
    {
      hint: "Take the version that you want from version control and deploy it.",
    },
  );
}

/** Undefined when none of these will do. */
async function choose(
  place: ChannelPlace,
  entries: readonly Entry[],
  serial: number | undefined,
): Promise<Pointer | undefined> {
  if (serial !== undefined) return entries.find(({ pointer }) => pointer?.serial === serial)?.pointer;
  const text = await place.store.readChannel(place.channel);
  const current = text === undefined ? entries[0] : entryOf(text, place);
  const now = current && claimed(current);
  return entries.find((entry) => entry.pointer && now && !samePayload(entry.pointer, now))?.pointer;
}

function noSerial(entries: readonly Entry[], serial: number, channel: string): BootlaceError {
  if (!entries.some((entry) => claimed(entry)?.serial === serial)) {
    return new BootlaceError("E_ROLLBACK", `Channel ${channel} never had serial ${serial}`, {
      hint: `bootlace rollback channel/${channel} --list shows what it had.`,
    });
  }
  return new BootlaceError("E_ROLLBACK", `Serial ${serial} of channel ${channel} is signed by no key of this project`, {
    hint: "It may be from before a change of keys. Take that version from version control and deploy it.",
  });
}

const samePayload = (a: Pointer, b: Pointer): boolean =>
  a.bundle.digest === b.bundle.digest &&
  JSON.stringify(Object.entries(a.runtimes).sort()) === JSON.stringify(Object.entries(b.runtimes).sort());

/** One row of `rollback --list`. */
export interface HistoryRow {
  readonly serial: number | undefined;
  readonly epoch: number | undefined;
  /** Seconds since 1970. */
  readonly created: number | undefined;
  readonly by: string | undefined;
  readonly bundle: string | undefined;
  readonly current: boolean;
  /** False: no key of the project signed it, and nothing goes back to it. */
  readonly signed: boolean;
}

export async function historyRows(place: ChannelPlace): Promise<readonly HistoryRow[]> {
  const text = await place.store.readChannel(place.channel);
  return (await readHistory(place)).map((entry) => {
    const said = claimed(entry);
    return {
      serial: said?.serial,
      epoch: said?.epoch,
      created: said?.created,
      by: said?.by,
      bundle: said?.bundle.digest,
      current: entry.text === text,
      signed: entry.pointer !== undefined,
    };
  });
}

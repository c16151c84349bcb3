import { BootlaceError } from "../../stage2/index.ts";
import type { Store } from "../store/store.ts";
import { verifyPointer } from "../trust/sign-pointer.ts";
import type { TrustedKey } from "../trust/trusted-key.ts";
import { type Pointer, parsePointer } from "./pointer.ts";

/** So many of the newest pointers are looked at for the next number; more only when one of them is not believed. */
const NEWEST = 20;

/** A channel, and whose word counts in it. */
export interface ChannelPlace {
  readonly store: Store;
  readonly channel: string;
  readonly project: string;
  /** Keys of the project. */
  readonly keys: readonly TrustedKey[];
}

/** A pointer that stands or stood in a channel. */
export interface Entry {
  readonly text: string;
  /** Undefined for what no key of the project signed for this channel. */
  readonly pointer: Pointer | undefined;
  /** Why it is not believed. */
  readonly refusal?: BootlaceError;
}

export interface ChannelState {
  /** Undefined for a channel that nobody published to. */
  readonly current: Entry | undefined;
  /** The highest that is believed: the highest serial of the highest epoch. Zeros where nothing is. */
  readonly last: Pick<Pointer, "epoch" | "serial">;
  /** `created` of all that is believed. */
  readonly created: readonly number[];
  /** `<epoch>.<serial>` of what is not believed: these numbers are not used again. */
  readonly taken: ReadonlySet<string>;
}

/** Reads a channel and as much of its history as the next number needs. */
export async function readChannelState(place: ChannelPlace): Promise<ChannelState> {
  const { store, channel } = place;
  const text = await store.readChannel(channel);
  if (text === undefined && (await store.history(channel, 1)).length === 0) {
    return { current: undefined, last: NOTHING, created: [], taken: new Set() };
  }
  const current = text === undefined ? undefined : entryOf(text, place);
  const newest = (await store.history(channel, NEWEST)).map((text) => entryOf(text, place));
  const enough = newest.length < NEWEST || areInOrder(newest);
  const all = [...(current ? [current] : []), ...(enough ? newest : await readHistory(place))];
  const believed = all.flatMap(({ pointer }) => pointer ?? []).sort(newestFirst);
  const others = all.filter(({ pointer }) => !pointer).flatMap((entry) => claimed(entry) ?? []);
  return {
    current,
    last: believed[0] ?? NOTHING,
    created: believed.map(({ created }) => created),
    taken: new Set(others.map(({ epoch, serial }) => `${epoch}.${serial}`)),
  };
}

/**
 * What stood in a channel, the newest first, each once. Epoch and serial are those that a pointer says itself: the names
 * that a store has for its entries are signed by nobody. What is no pointer comes last.
 */
export async function readHistory(place: ChannelPlace): Promise<readonly Entry[]> {
  return [...new Set(await place.store.history(place.channel))]
    .map((text) => entryOf(text, place))
    .map((entry) => ({ entry, said: claimed(entry) ?? { epoch: -1, serial: -1 } }))
    .sort((a, b) => newestFirst(a.said, b.said))
    .map(({ entry }) => entry);
}

type Numbered = Pick<Pointer, "epoch" | "serial">;

const NOTHING: Numbered = { epoch: 0, serial: 0 };

/** Order of pointers as machines have it: epoch, then serial; the highest first. */
export function newestFirst(a: Numbered, b: Numbered): number {
  return b.epoch - a.epoch || b.serial - a.serial;
}

/**
 * Are these the newest, as their names in the store say? Where something is not believed, or stands under a name that is
 * not its own, all numbers count: what is published over it may use none of them again.
 */
export function areInOrder(entries: readonly Entry[]): boolean {
  return entries.every(({ pointer }, at) => {
    const before = entries[at - 1]?.pointer;
    return pointer !== undefined && (before === undefined || newestFirst(before, pointer) < 0);
  });
}

/** Believes a pointer when a key of the project signed it for this very channel, or says why not. */
export function entryOf(text: string, { keys, project, channel }: ChannelPlace): Entry {
  try {
    const pointer = verifyPointer(text, keys);
    if (pointer.project === project && pointer.channel === channel) return { text, pointer };
    const message = `The pointer in channel ${channel} is for channel ${pointer.channel} of project ${pointer.project}`;
    const hint =
      pointer.project === project
        ? "Somebody copied it there. `bootlace deploy --replace` publishes over it."
        : "Does another project use this store? Give each its own: s3://bucket/NAME.";
    return { text, pointer: undefined, refusal: new BootlaceError("E_POINTER_SIGNATURE", message, { hint }) };
  } catch (error) {
    if (!(error instanceof BootlaceError)) throw error;
    return { text, pointer: undefined, refusal: error };
  }
}

/** What a pointer says of itself, believed or not; for lists. */
export function claimed({ text, pointer }: Entry): Pointer | undefined {
  if (pointer) return pointer;
  try {
    return parsePointer(text);
  } catch {
    return undefined;
  }
}

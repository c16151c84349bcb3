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
  /** The highest of all that is believed; zeros where nothing is. */
  readonly last: Pick<Pointer, "epoch" | "serial" | "created">;
  /** `<epoch>.<serial>` of what is not believed: these numbers are not used again. */
  readonly taken: ReadonlySet<string>;
}

/** Reads a channel and as much of its history as the next number needs. */
export async function readChannelState(place: ChannelPlace): Promise<ChannelState> {
  const { store, channel } = place;
  const text = await store.readChannel(channel);
  if (text === undefined && (await store.history(channel, 1)).length === 0) {
    return { current: undefined, last: { epoch: 0, serial: 0, created: 0 }, taken: new Set() };
  }
  const current = text === undefined ? undefined : entryOf(text, place);
  const newest = await readHistory(place, NEWEST);
  // Where something is not believed, all numbers count: what is published over it may use none of them again.
  const whole = newest.length < NEWEST || newest.every(({ pointer }) => pointer);
  const all = [...(current ? [current] : []), ...(whole ? newest : await readHistory(place))];
  const believed = all.flatMap(({ pointer }) => pointer ?? []);
  const highest = (key: "epoch" | "serial" | "created"): number =>
    Math.max(0, ...believed.map((pointer) => pointer[key]));
  const others = all.filter(({ pointer }) => !pointer).flatMap((entry) => claimed(entry) ?? []);
  return {
    current,
    last: { epoch: highest("epoch"), serial: highest("serial"), created: highest("created") },
    taken: new Set(others.map(({ epoch, serial }) => `${epoch}.${serial}`)),
  };
}

/** What stood in a channel, the newest first. */
export async function readHistory(place: ChannelPlace, limit?: number): Promise<readonly Entry[]> {
  return (await place.store.history(place.channel, limit)).map((text) => entryOf(text, place));
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

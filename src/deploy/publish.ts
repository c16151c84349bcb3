import { BootlaceError, type Event, shownBytes } from "../../stage2/index.ts";
import { inParallel } from "../store/in-parallel.ts";
import { type BlobRef, blobKey } from "../store/store.ts";
import { signedBy } from "../trust/sign-pointer.ts";
import { type ChannelPlace, type ChannelState, type Entry, newestFirst, readChannelState } from "./channel-state.ts";
import { nextNumber } from "./next-number.ts";
import type { Payload, Wanted } from "./payload.ts";
import { encodePointer, type Pointer, parsePointer } from "./pointer.ts";
import { publisher } from "./publisher.ts";
import { shownTime } from "./shown-time.ts";

/** So many blobs travel at the same time. */
const UPLOADS = 4;
const QUESTIONS = 8;

/** A `created` that far ahead of the desk's clock is no clock that is a little wrong. */
const AHEAD_SECONDS = 86_400;

export interface PublishInput extends ChannelPlace {
  readonly payload: Payload;
  /** What the project's keys say: src/trust. */
  readonly epoch: number;
  /** How long the pointer is good, milliseconds. */
  readonly lifetime: number;
  /** Goes on over a pointer that is not believed. */
  readonly replace?: boolean;
  /** Milliseconds since 1970. */
  readonly now: number;
}

/** What a publication would do; made by {@link planPublish}, done by {@link publish}. */
export interface PublishPlan {
  readonly place: ChannelPlace;
  readonly uploads: readonly (Wanted & { readonly there: boolean })[];
  readonly next: Pointer;
  /** What stands now. */
  readonly current: Entry | undefined;
  /**
   * `none`: the channel points there already, and nothing is written. `renewed`: it does, but the pointer would run out
   * soon, or its signatures or its epoch are not today's.
   */
  readonly move: "moved" | "renewed" | "replaced" | "none";
  /** What does not hinder, but somebody should look at. */
  readonly warnings: readonly string[];
}

/**
 * Looks at the store and says what is missing and what the channel's next pointer is. Changes nothing.
 *
 * @throws {BootlaceError} `E_POINTER_SIGNATURE` when the pointer that stands is not believed and `replace` is not set;
 *   `E_SERIAL_END`.
 */
export async function planPublish(input: PublishInput): Promise<PublishPlan> {
  const { payload, store, channel, project, keys } = input;
  const place = { store, channel, project, keys };
  const state = await readChannelState(place);
  const { current } = state;
  if (current?.refusal && !input.replace) throw notBelieved(current, current.refusal, place);
  const next = nextPointer(input, state);
  parsePointer(encodePointer(next));
  const there = await inParallel(QUESTIONS, payload.blobs, ({ blob }) => store.has(blob));
  const uploads = payload.blobs.map((wanted, at) => ({ ...wanted, there: there[at] === true }));
  const late = state.created.filter((created) => created > latestCreated(input.now));
  const warnings =
    late.length === 0
      ? []
      : [
          `a pointer that stands or stood in ${channel} says it was published ${shownTime(Math.max(...late))} UTC, more than a day ahead of this desk's clock: that time is not followed. If this clock is right, somebody else has a key of the project: rotate it`,
        ];
  return { place, uploads, next, current, move: moveOf(input, state, next), warnings };
}

/** Seconds since 1970 up to which `created` is believed at all. */
const latestCreated = (now: number): number => Math.floor(now / 1000) + AHEAD_SECONDS;

function nextPointer({ channel, project, payload, epoch, lifetime, now }: PublishInput, state: ChannelState): Pointer {
  // A desk whose clock is behind must not make a pointer that looks older than the last one. One that is far ahead would
  // go on in all that come after, and machines measure by it what expired.
  const created = Math.max(Math.floor(now / 1000), ...state.created.filter((time) => time <= latestCreated(now)));
  return {
    project,
    channel,
    ...nextNumber(epoch, state),
    created,
    expires: created + Math.floor(lifetime / 1000),
    bundle: payload.bundle,
    runtimes: payload.runtimes,
    by: publisher(),
  };
}

function moveOf(
  { keys, lifetime, now }: PublishInput,
  { current, last }: ChannelState,
  next: Pointer,
): PublishPlan["move"] {
  if (current === undefined) return "moved";
  const { text, pointer } = current;
  if (pointer === undefined) return "replaced";
  if (!samePayload(pointer, next)) return "moved";
  // An old pointer that somebody put back: machines that saw a newer one refuse it, whatever it points to.
  if (newestFirst(pointer, last) > 0) return "moved";
  const signers = [...new Set(signedBy(text))].sort().join();
  const fresh =
    pointer.epoch === next.epoch &&
    pointer.created <= latestCreated(now) &&
    signers ===
      keys
        .map(({ id }) => id)
        .sort()
        .join() &&
    pointer.expires !== undefined &&
    pointer.expires * 1000 - now >= lifetime / 2;
  return fresh ? "none" : "renewed";
}

export interface PublishActs {
  /** Makes the text of a pointer, with signatures. */
  readonly sign: (pointer: Pointer) => Promise<string>;
  readonly report?: (event: Event) => void;
  readonly signal?: AbortSignal;
}

/**
 * Uploads what is missing, four blobs at a time, then moves the channel: whoever sees the new pointer finds all that it
 * names. What is interrupted has moved nothing, and need not be sent again.
 *
 * @throws {BootlaceError} `E_CHANNEL_MOVED` when somebody else published after the plan was made.
 */
export async function publish(plan: PublishPlan, { sign, report = () => {}, signal }: PublishActs): Promise<void> {
  const { store, channel } = plan.place;
  const of = `channel ${channel}`;
  const step = async (
    name: string,
    detail: string | undefined,
    work: (step: string) => Promise<unknown>,
  ): Promise<void> => {
    signal?.throwIfAborted();
    const t = Date.now();
    report({ t, k: "desk-start", step: name, of, ...(detail === undefined ? {} : { detail }) });
    try {
      await work(name);
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      report({ t: Date.now(), k: "desk-fail", step: name, of, ms: Date.now() - t, message });
      throw error;
    }
    report({
      t: Date.now(),
      k: "desk-done",
      step: name,
      of,
      ms: Date.now() - t,
      ...(detail === undefined ? {} : { detail }),
    });
  };
  // What a machine would refuse, for its length or its form, is told before anything is written.
  const text = plan.move === "none" ? undefined : await sign(plan.next);
  if (text !== undefined) parsePointer(text);
  const missing = plan.uploads.filter(({ there }) => !there);
  await inParallel(UPLOADS, missing, ({ blob, file }) =>
    step(`send ${shortKey(blob)}`, shownBytes(blob.bytes), async (name) => {
      const total = blob.bytes;
      const onBytes = (done: number): void =>
        report({ t: Date.now(), k: "desk-progress", step: name, of, done, total, unit: "bytes" });
      await store.put({ ...blob, file: await file(signal ? { signal } : {}) }, onBytes);
    }),
  );
  if (text === undefined) return void (await store.settle?.(channel));
  await step("move", `serial ${plan.next.serial}`, async () => store.moveChannel(channel, text, plan.current?.text));
}

/** `bundles/3f2a91c04b7d`. */
function shortKey({ kind, digest }: BlobRef): string {
  return `${kind}/${digest.slice(0, 12)}`;
}

/** The blobs of a plan as `--plan` and `--json` show them. */
export function uploadRows(plan: PublishPlan): readonly { key: string; bytes: number; there: boolean }[] {
  return plan.uploads.map(({ blob, there }) => ({ key: blobKey(blob), bytes: blob.bytes, there }));
}

function samePayload(a: Pointer, b: Pointer): boolean {
  return encodePointer({ ...b, bundle: a.bundle, runtimes: a.runtimes }) === encodePointer(b);
}

function notBelieved({ text }: Entry, refusal: BootlaceError, { channel, keys }: ChannelPlace): BootlaceError {
  const signers = signedBy(text);
  const stranger = signers.length > 0 && !signers.some((id) => keys.some((key) => key.id === id));
  const replace = `\`bootlace deploy ${channel} --replace\``;
  // Nobody but the project's people can tell a key that was dropped from a stranger's: both ways are said.
  const unsigned = "It is not signed. Bootlace 0.1.0 did not sign: when that published it,";
  const said =
    signers.length === 0
      ? `${unsigned} publish over it once with ${replace}; otherwise somebody else wrote to the channel.`
      : stranger
        ? `Did this project drop the key ${signers.join(", ")}? Then machines that trust that key alone refuse what ${replace} publishes, and stay with their last good bundle: take trust/${signers[0]}.pem from version control again and deploy, or bring them the new key with \`bootlace up\`. If somebody else wrote to the channel, publish over it with --replace.`
        : `Somebody else wrote to channel ${channel}, or the project's keys are not those of its last deploy. When you know which, publish over it with ${replace}.`;
  return new BootlaceError(refusal.code, refusal.message, { hint: refusal.hint ?? said, cause: refusal });
}

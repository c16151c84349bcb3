import { setTimeout as sleep } from "node:timers/promises";
import { BootlaceError, type Event } from "../../../stage2/index.ts";
import { abortError, throwIfAborted } from "../../session/abort.ts";
import type { Session } from "../../session/session.ts";
import { runLost } from "./launch-run.ts";
import { LineReader } from "./line-reader.ts";

export type CloseEvent = Extract<Event, { k: "close" }>;

export interface Followed {
  readonly run: string;
  /** On the machine. */
  readonly events: string;
  /** On the machine: appears when no more events will come. */
  readonly exit: string;
  /** The open session, or a new one after it broke; it stays open. */
  readonly connect: (signal?: AbortSignal) => Promise<Session>;
  readonly onEvent: (event: Event) => void;
  /** Called after each break, before following goes on; tried again while the machine comes back. */
  readonly onReconnect?: (session: Session) => Promise<void>;
  readonly signal?: AbortSignal;
  /** Byte offset after the last line that is known; default 0. */
  readonly offset?: number;
}

export interface FollowResult {
  readonly close: CloseEvent;
  /** Byte offset after the close. */
  readonly offset: number;
}

/** How long a machine may be out of reach before following gives up, in milliseconds. */
const PATIENCE = 120_000;

/**
 * Prints what is new in a file until the other one is there and everything is printed. The order matters: whether
 * the end is there is asked before the size, so nothing written in between is missed. It ends with the session that
 * asked: a connection that broke leaves nothing behind that looks forever.
 */
const FOLLOW = `
file=$1 offset=$2 exit=$3
while kill -0 "$PPID" 2>/dev/null; do
  ended=
  [ ! -e "$exit" ] || ended=yes
  size=$(wc -c 2>/dev/null <"$file") || size=0
  if [ "\${size:-0}" -gt "$offset" ]; then
    tail -c "+$((offset + 1))" "$file" | head -c "$((size - offset))" || exit
    offset=$((size))
  elif [ -n "$ended" ]; then
    exit 0
  fi
  sleep 0.1
done
`;

/**
 * Follows a run to its close. Events come once each and in order, however often the connection breaks: the place in the
 * file is (run id, byte offset after the last newline).
 *
 * @throws {BootlaceError} `E_RUN_LOST` when the runner ended without a close, `E_SESSION_LOST` after two minutes out of reach.
 */
export async function followRun(followed: Followed): Promise<FollowResult> {
  let offset = followed.offset ?? 0;
  let broken = false;
  for (let lost = performance.now(); ; ) {
    throwIfAborted(followed.signal);
    const before = offset;
    let comingUp = false;
    try {
      const session = await followed.connect(followed.signal);
      comingUp = broken;
      if (broken) await followed.onReconnect?.(session);
      comingUp = false;
      broken = false;
      const part = await followOnce(followed, session, offset);
      offset = part.offset;
      if (part.close) return { close: part.close, offset };
      broken = part.broken;
      if (!broken) throw await runLost(session, followed.run);
    } catch (error) {
      if (!(comingUp || isOutOfReach(error)) || performance.now() - lost > PATIENCE) throw error;
      broken = true;
    }
    if (offset > before) lost = performance.now();
    await sleep(200, undefined, followed.signal ? { signal: followed.signal } : {});
  }
}

interface Part {
  readonly close: CloseEvent | undefined;
  readonly offset: number;
  readonly broken: boolean;
}

async function followOnce(followed: Followed, session: Session, offset: number): Promise<Part> {
  const ended = new AbortController();
  let close: CloseEvent | undefined;
  const reader = new LineReader((line) => {
    const event = parseEvent(line);
    if (!event || close) return;
    followed.onEvent(event);
    if (event.k === "close") {
      close = event;
      ended.abort();
    }
  });
  const signal = followed.signal ? AbortSignal.any([ended.signal, followed.signal]) : ended.signal;
  let broken = false;
  try {
    const argv = ["sh", "-c", FOLLOW, "bootlace-follow", followed.events, String(offset), followed.exit];
    const result = await session.exec(argv, { stdout: reader, signal });
    // 128 and above: the follower itself was killed, by a reboot for one.
    broken = result.exit >= 128;
  } catch (error) {
    if (followed.signal?.aborted) throw abortError(followed.signal);
    if (!close && !isOutOfReach(error)) throw error;
    broken = true;
  }
  return { close, offset: offset + reader.consumed, broken };
}

function parseEvent(line: string): Event | undefined {
  try {
    const event = JSON.parse(line) as Event;
    return typeof event.k === "string" ? event : undefined;
  } catch {
    return undefined;
  }
}

/** A machine that may come back. */
const OUT_OF_REACH = new Set(["E_SESSION_LOST", "E_SESSION_CONNECT", "E_MACHINE_STATE"]);
const isOutOfReach = (error: unknown): boolean => error instanceof BootlaceError && OUT_OF_REACH.has(error.code);

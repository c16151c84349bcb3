import { setTimeout as sleep } from "node:timers/promises";
import { BootlaceError, type Event, EXIT } from "../../../stage2/index.ts";
import { abortError, throwIfAborted } from "../../session/abort.ts";
import type { Session } from "../../session/session.ts";
import { runLost } from "./launch-run.ts";
import { LineReader } from "./line-reader.ts";
import { parseEvent } from "./parse-event.ts";

export type CloseEvent = Extract<Event, { k: "close" }>;

export interface Followed {
  readonly run: string;
  /** On the machine. */
  readonly events: string;
  /** On the machine: appears when no more events will come. Asked for anew after each break: a boot may have another. */
  readonly exit: string;
  /** The open session, or a new one after it broke; it stays open. */
  readonly connect: (signal?: AbortSignal) => Promise<Session>;
  readonly onEvent: (event: Event) => void;
  /** Called after each break, before following goes on; tried again while the machine comes back. */
  readonly onReconnect?: (session: Session) => Promise<void>;
  readonly signal?: AbortSignal;
  /** Byte offset after the last line that is known; default 0. */
  readonly offset?: number;
  /** How long a reboot may take that the run asks for, in milliseconds; at least the patience with a break. */
  readonly rebootWithin?: number;
  /** Begins as after a break: `onReconnect` first. */
  readonly again?: boolean;
}

export interface FollowResult {
  /** Undefined: the runner has ended, and the run waits for the reboot that a script asked for. */
  readonly close: CloseEvent | undefined;
  /** Byte offset after the last whole line. */
  readonly offset: number;
}

/** How long a machine may be out of reach before following gives up, in milliseconds. */
export const PATIENCE = 120_000;

/**
 * Prints what is new in a file until the other one is there and everything is printed. The order matters: whether
 * the end is there is asked before the rest is read, so nothing written in between is missed. It ends with the session
 * that asked: a connection that broke leaves nothing behind that looks forever. What it costs is taken from the run it
 * follows, so the shell itself reads, and looks less often the longer nothing happens; each look is one `sleep`.
 */
export const FOLLOW = `
file=$1 offset=$2 exit=$3 idle=0
LC_ALL=C
export LC_ALL
pause() {
  idle=$((idle + 1))
  if [ "$idle" -lt 20 ]; then sleep 0.1; elif [ "$idle" -lt 40 ]; then sleep 0.2; else sleep 0.4; fi
}
until [ -e "$file" ]; do
  kill -0 "$PPID" 2>/dev/null || exit
  if [ -e "$exit" ] && [ ! -e "$file" ]; then exit 0; fi
  pause
done
exec 3<"$file"
# From a file, one read takes all that is asked for.
[ "$offset" -eq 0 ] || dd bs="$offset" count=1 <&3 >/dev/null 2>&1
while kill -0 "$PPID" 2>/dev/null; do
  ended= some=
  [ ! -e "$exit" ] || ended=yes
  while IFS= read -r line <&3; do
    printf '%s\\n' "$line" || exit
    some=yes
  done
  # Half of a line; the other half comes.
  if [ -n "$line" ]; then
    printf '%s' "$line" || exit
    some=yes
  fi
  if [ -n "$some" ]; then
    idle=0
  elif [ -n "$ended" ]; then
    exit 0
  fi
  pause
done
`;

/**
 * Follows a run to its close, or to where it waits for a reboot. Events come once each and in order, however often the
 * connection breaks: the place in the file is (run id, byte offset after the last newline).
 *
 * @throws {BootlaceError} `E_RUN_LOST` when the runner ended without a close, `E_SESSION_LOST` after two minutes out of
 *   reach, counted from the break; what concerns trust at once, and `E_RUN_RUBBISH` for what no runner writes.
 */
export async function followRun(followed: Followed): Promise<FollowResult> {
  const reading: Reading = { offset: followed.offset ?? 0, close: undefined, reboots: false };
  let broken = followed.again ?? false;
  for (let lost = performance.now(); ; ) {
    throwIfAborted(followed.signal);
    let comingUp = false;
    try {
      const session = await followed.connect(followed.signal);
      comingUp = broken;
      if (broken) await followed.onReconnect?.(session);
      comingUp = false;
      broken = await followOnce(followed, session, reading);
      if (reading.close) return { close: reading.close, offset: reading.offset };
      if (!broken && !(reading.reboots && (await endedToReboot(session, followed.exit))))
        throw await runLost(session, followed.run);
      if (!broken) return { close: undefined, offset: reading.offset };
      lost = performance.now();
    } catch (error) {
      const mayPass = (comingUp && !isFinal(error)) || isOutOfReach(error);
      const patience = reading.reboots || followed.again ? (followed.rebootWithin ?? 0) : 0;
      if (!mayPass || performance.now() - lost > Math.max(patience, PATIENCE)) throw error;
      broken = true;
    }
    const every = performance.now() - lost > 5000 ? 1000 : 200;
    await sleep(every, undefined, followed.signal ? { signal: followed.signal } : {});
  }
}

/** A runner that asked for the reboot ends with 0, or by the signal of the machine that goes down. */
async function endedToReboot(session: Session, file: string): Promise<boolean> {
  const code = Number((await session.exec(["cat", file])).stdout);
  return code === 0 || code > 128;
}

/** How far a run was read. */
interface Reading {
  offset: number;
  close: CloseEvent | undefined;
  /** The last that it told of itself is that it asks for a reboot. */
  reboots: boolean;
}

/** Reads on until the run, the runner or the connection ends. True: the connection broke. */
async function followOnce(followed: Followed, session: Session, reading: Reading): Promise<boolean> {
  const ended = new AbortController();
  const reader = new LineReader((line) => {
    const event = parseEvent(line, followed.run);
    if (!event || reading.close) return;
    followed.onEvent(event);
    if (event.k === "reboot") reading.reboots = true;
    if (event.k === "open") reading.reboots = false;
    if (event.k === "close") {
      reading.close = event;
      ended.abort();
    }
  });
  let failed: Error | undefined;
  reader.on("error", (error) => {
    failed = error;
    ended.abort();
  });
  const signal = followed.signal ? AbortSignal.any([ended.signal, followed.signal]) : ended.signal;
  try {
    const argv = ["sh", "-c", FOLLOW, "bootlace-follow", followed.events, String(reading.offset), followed.exit];
    const result = await session.exec(argv, { stdout: reader, signal });
    if (failed) throw failed;
    // 128 and above: the follower itself was killed, by a reboot for one.
    return result.exit >= 128;
  } catch (error) {
    if (followed.signal?.aborted) throw abortError(followed.signal);
    if (failed) throw failed;
    if (!reading.close && !isOutOfReach(error)) throw error;
    return true;
  } finally {
    reading.offset += reader.consumed;
  }
}

/** A machine that may come back. */
const OUT_OF_REACH = new Set(["E_SESSION_LOST", "E_SESSION_CONNECT", "E_MACHINE_STATE"]);
const isOutOfReach = (error: unknown): boolean => error instanceof BootlaceError && OUT_OF_REACH.has(error.code);

/** No machine that comes up makes it better: another host's key, a run that nobody goes on with. */
export const isFinal = (error: unknown): boolean =>
  error instanceof BootlaceError && (error.exit === EXIT.trust || error.code === "E_RUN_LOST");

import { hostname, userInfo } from "node:os";
import { PassThrough, Readable } from "node:stream";
import { BootlaceError } from "../../stage2/index.ts";
import type { Session } from "../session/session.ts";
import { ANSWER_WITHIN, answerWithin } from "./answer-within.ts";

/** Exits of {@link HOLD}; none of the tools in it ends so. */
const DESK_HOLDS = 91;
const RUN_HOLDS = 92;

/**
 * A lock of its own for as long as the session lives, so that two desks do not deliver into one folder. The runner's lock
 * is looked at and not kept: the run that is about to begin takes it. Arguments: who holds it, flock's way of waiting.
 */
const HOLD = `
umask 077
command -v flock >/dev/null || { echo 'flock(1) of util-linux is not there' >&2; exit 1; }
mkdir -p -m 755 /run/bootlace || exit 1
exec 8>>/run/bootlace/desk.lock || exit 1
flock $2 8 || { cat /run/bootlace/desk.lock; exit ${DESK_HOLDS}; }
if [ -e /var/lib/bootlace/lock ]; then
  flock $2 /var/lib/bootlace/lock true || { cat /var/lib/bootlace/lock; exit ${RUN_HOLDS}; }
fi
echo "$1" >/run/bootlace/desk.lock
echo held
exec cat >/dev/null
`;

/** Most that is kept of the answer, in characters. */
const LONGEST_ANSWER = 4096;

export interface Held {
  release(): Promise<void>;
}

/**
 * Keeps other desks from a machine. The kernel lets go when the session ends, however that comes.
 *
 * @param wait false: fails at once when somebody else holds it.
 * @throws {BootlaceError} `E_LOCKED`, naming the holder; `E_SESSION_CONNECT` where it is not to wait and no answer comes in
 *   a minute.
 */
export async function holdMachine(session: Session, wait: boolean, signal?: AbortSignal): Promise<Held> {
  const stdin = new Readable({ read: () => {} });
  const stdout = new PassThrough();
  let said = "";
  const held = new Promise<boolean>((resolve) => {
    stdout.on("data", (chunk: Buffer) => {
      // The holder's name is a line; whatever goes on and on is none.
      said = (said + chunk.toString()).slice(-LONGEST_ANSWER);
      if (said.endsWith("held\n")) resolve(true);
    });
  });
  const who = `${userInfo().username}@${hostname()}, process ${process.pid}, since ${new Date().toISOString()}`;
  const argv = ["sh", "-c", HOLD, "bootlace-hold", who, wait ? "-x" : "-n"];
  const give = new AbortController();
  const signals = signal ? AbortSignal.any([signal, give.signal]) : give.signal;
  const ended = session.exec(argv, { stdin, stdout, signal: signals });
  // Its end is asked for below; a session that breaks meanwhile is somebody else's to notice.
  ended.catch(() => {});
  const answer = Promise.race([held, ended]);
  const first = await (wait
    ? answer
    : answerWithin(ANSWER_WITHIN, session.target, () => answer, signal).catch((error: unknown) => {
        give.abort();
        throw error;
      }));
  if (first === true)
    return {
      async release() {
        stdin.push(null);
        await ended.catch(() => {});
      },
    };
  if (first === false || first.exit === DESK_HOLDS) throw lockedBy(session.target, `the desk of ${said.trim()}`);
  if (first.exit === RUN_HOLDS) {
    const [pid = "?", , , run = "?"] = said.trim().split(" ");
    throw lockedBy(session.target, run === "-" ? `process ${pid} there` : `run ${run} (process ${pid} there)`);
  }
  throw new BootlaceError(
    "E_REMOTE_COMMAND",
    `${session.target}: taking the lock ended with exit ${first.exit}: ${(first.stderr || said).trim().slice(-2000)}`,
  );
}

function lockedBy(target: string, holder: string): BootlaceError {
  return new BootlaceError("E_LOCKED", `${target} is held by ${holder}`, {
    hint: "Wait for it with --wait, or look with `bootlace logs TARGET -f`.",
  });
}

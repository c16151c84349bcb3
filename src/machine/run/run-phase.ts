import { setTimeout as sleep } from "node:timers/promises";
import { BootlaceError, type Event, newRunId } from "../../../stage2/index.ts";
import { throwIfAborted } from "../../session/abort.ts";
import type { Session } from "../../session/session.ts";
import { type CloseEvent, followRun } from "./follow-run.ts";
import { eventsFile, exitFile, launchRun, type RunRequest } from "./launch-run.ts";
import type { Link } from "./link.ts";

export interface Following {
  readonly onEvent: (event: Event) => void;
  readonly signal?: AbortSignal;
  /** Called when the run is about to be followed again after a break: it may have been a reboot, which took what lay in memory. */
  readonly onReconnect?: (session: Session) => Promise<void>;
}

/** Starts a run, under an id of its own unless one is given, and follows it to its end, over reboots that it asks for. */
export async function runAndFollow(
  link: Link,
  request: Omit<RunRequest, "run"> & {
    readonly run?: string /** Its present one, where that is known. */;
    readonly boot?: string;
  },
  following: Following,
): Promise<CloseEvent> {
  const { run = newRunId(), boot = await link.machine.boot() } = request;
  await launchRun(await link.session(following.signal), { ...request, run });
  return followOverReboots(link, run, boot, exitFile(run), following);
}

/** Follows the run that the boot hook starts at this boot. */
export async function followBoot(link: Link, following: Following): Promise<CloseEvent> {
  const boot = await link.machine.boot();
  const session = await link.session(following.signal);
  const options = following.signal ? { signal: following.signal } : {};
  const found = await session.exec(["sh", "-c", FIND_BOOT_RUN, "bootlace-find", boot], options);
  const run = found.stdout.trim();
  if (run) return followOverReboots(link, run, boot, BOOT_EXIT, following);
  throw new BootlaceError(
    "E_RUN_LOST",
    `${session.target}: the boot hook ended without a run: ${found.stderr.trim()}`,
    {
      hint: `Read what it said: bootlace logs ${link.machine.name} --console`,
    },
  );
}

/** @throws {BootlaceError} `E_RUN_FAILED` naming what failed, unless the run ended well or degraded. */
export function assertRunEnded(close: CloseEvent, where: string): void {
  if (close.outcome === "done" || close.outcome === "degraded") return;
  const blocked = close.blocked.length > 0 ? `; blocked by that: ${close.blocked.join(", ")}` : "";
  const failed = close.failed.length > 0 ? close.failed.join(", ") : close.outcome;
  throw new BootlaceError("E_RUN_FAILED", `${where}: ${failed} failed${blocked}`);
}

const BOOT_EXIT = "/run/bootlace/boot.exit";

/** The boot is told by the run's first event. Ends when the boot hook has ended without such a run. */
const FIND_BOOT_RUN = `
boot=$1
while :; do
  ended=
  [ ! -e ${BOOT_EXIT} ] || ended=yes
  for file in /var/lib/bootlace/runs/*/events.jsonl; do
    [ -f "$file" ] || continue
    if grep -qF "\\"boot\\":\\"$boot\\"" "$file"; then
      file=\${file%/*}
      echo "\${file##*/}"
      exit 0
    fi
  done
  if [ -n "$ended" ]; then
    echo "exit $(cat ${BOOT_EXIT})" >&2
    exit 1
  fi
  [ -x /usr/lib/bootlace/boot ] || { echo "no boot hook is installed" >&2; exit 1; }
  sleep 0.05
done
`;

async function followOverReboots(
  link: Link,
  run: string,
  boot: string,
  exit: string,
  { onEvent, signal, onReconnect }: Following,
): Promise<CloseEvent> {
  const followed = {
    run,
    events: eventsFile(run),
    connect: link.session,
    onEvent,
    ...(signal ? { signal } : {}),
    ...(onReconnect ? { onReconnect } : {}),
  };
  let offset = 0;
  for (let before = boot, end = exit; ; end = BOOT_EXIT) {
    const result = await followRun({ ...followed, exit: end, offset });
    if (result.close.outcome !== "reboot") return result.close;
    offset = result.offset;
    before = await rebooted(link, before);
  }
}

/** Waits for another boot; a machine that does not come to it by itself is restarted. Returns the new boot's id. */
async function rebooted(link: Link, before: string): Promise<string> {
  const { machine } = link;
  const now = await bootAfter(link, before, machine.rebootWithin);
  if (now !== undefined) return now;
  await machine.stop();
  await machine.start();
  return machine.boot();
}

/**
 * Asks a machine for another boot and waits until it is there; what was open to it is closed. Returns the boot's id.
 *
 * @throws {BootlaceError} `E_MACHINE_STATE` when the boot stays the same.
 */
export async function rebootMachine(link: Link, signal?: AbortSignal): Promise<string> {
  const { machine } = link;
  const before = await machine.boot();
  await machine.reboot(signal);
  const now = await bootAfter(link, before, machine.rebootWithin, signal);
  if (now !== undefined) return now;
  throw new BootlaceError(
    "E_MACHINE_STATE",
    `${machine.name} did not reboot within ${machine.rebootWithin / 1000} s: its boot is still ${before}, or it is out of reach`,
    { hint: `Look at its console: bootlace logs ${machine.name} --console` },
  );
}

/** The boot's id once it is another one; undefined when that took too long. */
async function bootAfter(
  link: Link,
  before: string,
  within: number,
  signal?: AbortSignal,
): Promise<string | undefined> {
  const until = performance.now() + within;
  do {
    throwIfAborted(signal);
    const now = await link.machine.boot().catch(() => before);
    if (now !== before) {
      await link.close();
      return now;
    }
    await sleep(50);
  } while (performance.now() < until);
  await link.close();
  return undefined;
}

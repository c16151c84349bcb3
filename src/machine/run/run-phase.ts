import { setTimeout as sleep } from "node:timers/promises";
import { BootlaceError, type Event, newRunId } from "../../../stage2/index.ts";
import { throwIfAborted } from "../../session/abort.ts";
import type { Session } from "../../session/session.ts";
import type { Machine } from "../machine.ts";
import { bootOf, HOOKED, isHooked } from "./boot-of.ts";
import { type CloseEvent, followRun, isFinal, PATIENCE } from "./follow-run.ts";
import { eventsFile, exitFile, launchRun, type RunRequest } from "./launch-run.ts";
import type { Link } from "./link.ts";

export interface Following {
  readonly onEvent: (event: Event) => void;
  readonly signal?: AbortSignal;
  /** Called when the run is about to be followed again after a break: it may have been a reboot, which took what lay in memory. */
  readonly onReconnect?: (session: Session) => Promise<void>;
}

/** Starts a run, under an id of its own unless one is given, and follows it to its end, over reboots. */
export async function runAndFollow(
  link: Link,
  request: Omit<RunRequest, "run"> & { readonly run?: string },
  following: Following,
): Promise<CloseEvent> {
  const { run = newRunId() } = request;
  const session = await link.session(following.signal);
  const boot = await bootOf(session, following.signal);
  await launchRun(session, { ...request, run });
  const again = (rebooted: Session) => launchRun(rebooted, { ...request, run });
  return followOverReboots(link, { run, boot, exit: exitFile(run), again }, following);
}

/** Follows the run that the boot hook starts at this boot. */
export async function followBoot(link: Link, following: Following): Promise<CloseEvent> {
  const session = await link.session(following.signal);
  const boot = await bootOf(session, following.signal);
  const options = following.signal ? { signal: following.signal } : {};
  const found = await session.exec(["sh", "-c", FIND_BOOT_RUN, "bootlace-find", boot], options);
  const run = found.stdout.trim();
  if (run) return followOverReboots(link, { run, boot, exit: BOOT_EXIT }, following);
  throw new BootlaceError(
    "E_RUN_LOST",
    `${session.target}: the boot hook ended without a run: ${found.stderr.trim()}`,
    { hint: `Read what it said: ${saidBy(link.machine, "journalctl -b -u bootlace")}` },
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
const FIND_BOOT_RUN = `${HOOKED}
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
  hooked || { echo "no boot hook is installed, or its unit is masked or disabled" >&2; exit 1; }
  sleep 0.05
done
`;

interface Begun {
  readonly run: string;
  /** In which it began. */
  readonly boot: string;
  /** Where its runner's exit code appears. */
  readonly exit: string;
  /** Goes on with it where no boot hook does. */
  readonly again?: (session: Session) => Promise<void>;
}

/** A runner goes on with an open run that is asked for by its id; where the boot hook does not, the desk asks. */
async function followOverReboots(link: Link, begun: Begun, following: Following): Promise<CloseEvent> {
  const { run, again } = begun;
  const { onEvent, signal } = following;
  let { boot, exit } = begun;
  const onReconnect = async (session: Session): Promise<void> => {
    await following.onReconnect?.(session);
    const now = await bootOf(session, signal);
    if (now === boot) return;
    const hooked = await isHooked(session, signal);
    if (!hooked && again === undefined) throw abandoned(session, run);
    if (!hooked) await again?.(session);
    exit = hooked ? BOOT_EXIT : exitFile(run);
    boot = now;
  };
  const followed = {
    run,
    events: eventsFile(run),
    connect: link.session,
    onEvent,
    onReconnect,
    rebootWithin: link.machine.rebootWithin,
    ...(signal && { signal }),
  };
  for (let offset = 0, more = false; ; more = true) {
    const part = await followRun({
      ...followed,
      get exit() {
        return exit;
      },
      offset,
      again: more,
    });
    if (part.close) return part.close;
    offset = part.offset;
    await rebooted(link, boot, signal);
  }
}

function abandoned({ target }: Session, run: string): BootlaceError {
  return new BootlaceError("E_RUN_LOST", `${target} has rebooted, and no boot hook there goes on with run ${run}`, {
    hint: "Its unit bootlace.service is masked, disabled or gone. Go on with: bootlace apply TARGET",
  });
}

/** Waits for another boot. A machine of the desk's own that does not come to it by itself is restarted. */
async function rebooted(link: Link, before: string, signal: AbortSignal | undefined): Promise<void> {
  const { machine } = link;
  const within = Math.max(machine.rebootWithin, PATIENCE);
  if ((await bootAfter(link, before, within, signal)) !== undefined) return;
  if (machine.console === undefined) throw notBack(machine, before, within);
  await machine.stop();
  await machine.start(signal);
}

/**
 * Asks a machine for another boot and waits until it is there; what was open to it is closed. Returns the boot's id.
 *
 * @throws {BootlaceError} `E_MACHINE_STATE` when the boot stays the same.
 */
export async function rebootMachine(link: Link, signal?: AbortSignal): Promise<string> {
  const { machine } = link;
  const before = await machine.boot(signal);
  await machine.reboot(signal);
  const now = await bootAfter(link, before, machine.rebootWithin, signal);
  if (now !== undefined) return now;
  throw notBack(machine, before, machine.rebootWithin);
}

/** The boot's id once it is another one; undefined when that took too long. @throws at once what concerns trust. */
async function bootAfter(
  link: Link,
  before: string,
  within: number,
  signal: AbortSignal | undefined,
): Promise<string | undefined> {
  const until = performance.now() + within;
  const every = Math.min(1000, link.machine.rebootWithin / 100);
  do {
    throwIfAborted(signal);
    const now = await link.machine.boot(signal).catch((error) => {
      if (isFinal(error)) throw error;
      return before;
    });
    if (now !== before) {
      await link.close();
      return now;
    }
    await sleep(every, undefined, signal && { signal });
  } while (performance.now() < until);
  await link.close();
  return undefined;
}

function notBack(machine: Machine, before: string, within: number): BootlaceError {
  const minutes = Math.ceil(within / 60_000);
  return new BootlaceError(
    "E_MACHINE_STATE",
    `${machine.name} did not come back from its reboot within ${minutes} min: its boot is still ${before}, or it is out of reach`,
    { hint: `Look at ${saidBy(machine, "the host's own console or its provider's, and try ssh")}` },
  );
}

/** Where a person finds what a machine said: its console at the desk, or what is told. */
const saidBy = ({ name, console }: Machine, otherwise: string): string =>
  console === undefined ? otherwise : `bootlace logs ${name} --console`;

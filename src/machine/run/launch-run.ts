import { BootlaceError, type Phase } from "../../../stage2/index.ts";
import { runChecked } from "../../session/run-checked.ts";
import type { Session } from "../../session/session.ts";
import { DELIVERY_CONF } from "./deliver.ts";

export interface RunRequest {
  /** Chosen by the desk: `[0-9A-Za-z-]+`. */
  readonly run: string;
  /** Undefined: what a boot would do. */
  readonly phase?: Phase;
  readonly purpose?: "build" | "run" | "smoke";
  /** Roots; empty: what the machine knows (`/etc/bootlace/services`, the project). */
  readonly services?: readonly string[];
  readonly rerun?: string | readonly string[];
  readonly assumeInit?: readonly string[];
  /** How many steps run at once. */
  readonly jobs?: number;
  readonly strict?: boolean;
}

/** Where a machine keeps a run's events. */
export const eventsFile = (run: string): string => `/var/lib/bootlace/runs/${run}/events.jsonl`;
/** Where the runner's exit code appears when it has ended, on tmpfs: a reboot takes it along. */
export const exitFile = (run: string): string => `/run/bootlace/desk/${run}/exit`;
const outputFile = (run: string): string => `/run/bootlace/desk/${run}/out`;

/**
 * The runner is no child of the session: a connection that breaks must not take it along, nor may logind's end of a
 * session. Where there is systemd it is a unit of its own, with the properties of the boot hook's (docs/stage1.md),
 * elsewhere a session of its own. Its exit code is a file, written beside and renamed. Arguments: run, folder, then the
 * command.
 */
const DETACH = `
set -eu
run=$1 folder=$2
shift 2
mkdir -p "$folder"
rm -f "$folder/exit"
runner='folder=$1; shift; "$@" >"$folder/out" 2>&1 </dev/null; echo "$?" >"$folder/exit.new"; mv "$folder/exit.new" "$folder/exit"'
if [ -d /run/systemd/system ] && command -v systemd-run >/dev/null 2>&1; then
  exec systemd-run --quiet --collect --unit="bootlace-run-$run" --description="Bootlace: a run of a desk" \
    --property=KillMode=process --property=TasksMax=infinity --property=TimeoutStopSec=60 \
    /bin/sh -c "$runner" bootlace-run "$folder" "$@"
fi
setsid sh -c "$runner" bootlace-run "$folder" "$@" >/dev/null 2>&1 </dev/null &
`;

/**
 * stage1 by what the desk just delivered, which it takes in; otherwise by what is on the machine, whatever channel it
 * follows: who asks for a phase does not ask for other code. It waits for the boot hook, which holds the lock while the
 * machine comes up. Arguments: the delivery's boot.conf, a folder, then those of stage2.
 */
const STAGE1 = `
conf=$1
folder=$2
shift 2
if [ ! -f "$conf" ]; then
  conf=$folder/boot.conf
  printf 'v=1\\nstore=none\\n' >"$conf"
fi
exec sh /usr/lib/bootlace/stage1 --wait --conf "$conf" -- "$@"
`;

/** Starts the delivered runner, detached from the session; follow it by its run id. */
export async function launchRun(session: Session, request: RunRequest): Promise<void> {
  const { run, phase, purpose, services = [], rerun = [], assumeInit = [], jobs, strict } = request;
  const folder = `/run/bootlace/desk/${run}`;
  const command = ["sh", "-c", STAGE1, "bootlace-stage1", DELIVERY_CONF, folder, "run", "--run", run];
  if (purpose) command.push("--purpose", purpose);
  if (phase) command.push("--phase", phase);
  for (const step of [rerun].flat()) command.push("--rerun", step);
  for (const service of assumeInit) command.push("--assume-init", service);
  if (jobs !== undefined) command.push("--jobs", String(jobs));
  if (strict) command.push("--strict");
  for (const service of services) command.push("-s", service);
  await runChecked(session, ["sh", "-c", DETACH, "bootlace-desk", run, folder, ...command]);
}

/** What to tell when the runner is gone and never closed its run. */
export async function runLost(session: Session, run: string): Promise<BootlaceError> {
  const said = await session.exec([
    "sh",
    "-c",
    `tail -c 2000 "$1"; echo; echo "exit $(cat "$2")"`,
    "sh",
    outputFile(run),
    exitFile(run),
  ]);
  return new BootlaceError("E_RUN_LOST", `${session.target}: run ${run} ended without an end: ${said.stdout.trim()}`);
}

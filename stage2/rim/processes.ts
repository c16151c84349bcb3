import { readdirSync, readFileSync, readlinkSync } from "node:fs";

/** A process as `/proc/<pid>/stat` tells it: proc(5). */
export interface ProcessInfo {
  readonly pid: number;
  readonly session: number;
  /** Clock ticks since boot when it began. */
  readonly started: number;
}

/** Clock ticks a second in `/proc`: USER_HZ is 100 on every Linux that Node runs on. */
const TICKS = 100;

/** What /proc/uptime said last, and when that was on our own clock. */
let uptime = { seconds: 0, readAt: Number.NEGATIVE_INFINITY };

/**
 * Clock ticks since boot, on the same scale as `ProcessInfo.started`. /proc/uptime is read at most once a second: our
 * own clock stands still while a machine sleeps, that one does not.
 */
export function ticksNow(): number {
  const now = performance.now();
  if (now - uptime.readAt > 1000) {
    uptime = { seconds: Number.parseFloat(readFileSync("/proc/uptime", "latin1")), readAt: now };
  }
  return Math.floor((uptime.seconds + (now - uptime.readAt) / 1000) * TICKS);
}

export function readProcess(pid: number): ProcessInfo | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    // The command's name stands in brackets and may hold anything, brackets too.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    if (fields[0] === "Z") return undefined;
    return { pid, session: Number(fields[3]), started: Number(fields[19]) };
  } catch {
    return undefined;
  }
}

export function allProcesses(): ProcessInfo[] {
  return readdirSync("/proc").flatMap((name) => {
    const pid = Number(name);
    return Number.isInteger(pid) ? (readProcess(pid) ?? []) : [];
  });
}

/** Living processes of a session that began at `since` or later. A session holds the groups that a script makes. */
export function sessionMembers(session: number, since: number): ProcessInfo[] {
  return allProcesses().filter((process) => process.session === session && process.started >= since);
}

/** Signals processes once; those that are gone meanwhile do not matter. */
export function signalAll(processes: readonly ProcessInfo[], signal: NodeJS.Signals): void {
  for (const { pid } of processes) {
    try {
      process.kill(pid, signal);
    } catch {
      // It ended by itself.
    }
  }
}

/** A variable of a process's environment as it began, or undefined. */
export function variableOf(pid: number, name: string): string | undefined {
  try {
    const entry = readFileSync(`/proc/${pid}/environ`, "latin1")
      .split("\0")
      .find((one) => one.startsWith(`${name}=`));
    return entry?.slice(name.length + 1);
  } catch {
    return undefined;
  }
}

/** Processes that carry `BOOTLACE_RUN=<run>` in their environment: what scripts of the run left running. */
export function processesOfRun(
  run: string,
  since: number,
): { pid: number; service: string; phase: string; command: string }[] {
  return allProcesses().flatMap(({ pid, started }) => {
    if (started < since || pid === process.pid) return [];
    try {
      const variables = readFileSync(`/proc/${pid}/environ`, "latin1").split("\0");
      if (!variables.includes(`BOOTLACE_RUN=${run}`)) return [];
      const value = (name: string) =>
        variables.find((entry) => entry.startsWith(`${name}=`))?.slice(name.length + 1) ?? "";
      const command =
        readFileSync(`/proc/${pid}/cmdline`, "latin1").split("\0").join(" ").trim() || readlinkSync(`/proc/${pid}/exe`);
      return [
        { pid, service: value("BOOTLACE_SERVICE"), phase: value("BOOTLACE_PHASE"), command: command.slice(0, 200) },
      ];
    } catch {
      return [];
    }
  });
}

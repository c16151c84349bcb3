import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";

/** Names one process for good: a pid alone is used again by the kernel. */
export interface ProcessIdentity {
  readonly pid: number;
  /** Clock ticks since boot at which it started (proc(5), stat field 22); without /proc the time, as ps(1) has it. */
  readonly start: string;
  /** The kernel's boot_id; without /proc empty, since the time tells boots apart. */
  readonly hostBoot: string;
}

/** Identity of a running process, or undefined when there is none (a zombie is none). */
export function identifyProcess(pid: number): ProcessIdentity | undefined {
  return existsSync("/proc/self/stat") ? identifyByProc(pid) : identifyByPs(pid);
}

function identifyByProc(pid: number): ProcessIdentity | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    // The command's name stands in parentheses and may hold anything, so fields are counted from the last one.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    if (fields[0] === "Z" || fields[0] === "X") return undefined;
    return { pid, start: fields[19] ?? "", hostBoot: readFileSync("/proc/sys/kernel/random/boot_id", "latin1").trim() };
  } catch {
    return undefined;
  }
}

/** For desks without /proc (macOS): state and start time are POSIX's and BSD's `ps -o`. */
export function identifyByPs(pid: number): ProcessIdentity | undefined {
  const said = spawnSync("ps", ["-p", String(pid), "-o", "stat=,lstart="], {
    encoding: "utf8",
    env: { ...process.env, LC_ALL: "C", TZ: "UTC" },
  });
  const [, state = "", start = ""] = /^\s*(\S+)\s+(.*\S)\s*$/.exec(said.stdout ?? "") ?? [];
  return start === "" || state.startsWith("Z") ? undefined : { pid, start, hostBoot: "" };
}

/** True while the very process that was identified lives. */
export function isAlive(identity: ProcessIdentity): boolean {
  const now = identifyProcess(identity.pid);
  return now !== undefined && now.start === identity.start && now.hostBoot === identity.hostBoot;
}

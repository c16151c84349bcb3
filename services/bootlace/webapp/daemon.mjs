import { execFileSync } from "node:child_process";
import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";

/** What the service's params say, as scripts get them. */
export function settings(env = process.env) {
  const { ROOT, SERVER, RUN_AS, PORT, HOST, SOCKET = "", HEALTH, BOOTLACE_DIR, BOOTLACE_STATE } = env;
  return {
    app: join(BOOTLACE_DIR, "app"),
    root: ROOT,
    program: join(ROOT, SERVER),
    user: RUN_AS,
    port: Number(PORT),
    host: HOST,
    socket: SOCKET,
    health: HEALTH,
    pidFile: join(BOOTLACE_STATE, "pid"),
    log: join(BOOTLACE_STATE, "server.log"),
  };
}

/** Ends the program that an earlier update left behind: TERM, and KILL after five seconds. */
export async function stopServer({ pidFile, program }) {
  const pid = Number(readText(pidFile));
  // The number may belong to somebody else by now: another boot, another machine made from our image.
  const ours = () => pid > 1 && readText(`/proc/${pid}/cmdline`).split("\0").includes(program);
  for (let waited = 0; ours(); waited += 50) {
    process.kill(pid, waited < 5000 ? "SIGTERM" : "SIGKILL");
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  rmSync(pidFile, { force: true });
}

/** Numeric ids for spawn(), or none when we are not root and could not change them anyway. */
export function idsOf(user) {
  if (process.getuid() !== 0 || user === "root") return {};
  const id = (flag) => Number(execFileSync("id", [flag, user], { encoding: "utf8" }));
  return { uid: id("-u"), gid: id("-g") };
}

export function readText(file) {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
}

import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, readlinkSync } from "node:fs";

export interface User {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
  readonly home: string;
}

export const ROOT: User = { name: "root", uid: 0, gid: 0, home: "/root" };

/** Who runs this program, as the kernel counts. */
export const OWN_UID = process.getuid?.() ?? 0;

/** Looks a login up: passwd(5), then whatever else the machine's name service knows. */
export function findUser(name: string): User | undefined {
  const known = parse(
    readFileSync("/etc/passwd", "utf8")
      .split("\n")
      .find((line) => line.startsWith(`${name}:`)),
  );
  return known ?? parse(spawnSync("getent", ["passwd", name], { encoding: "utf8" }).stdout?.trim());
}

/** Who runs this program: what scripts without `user` run as. */
export function currentUser(): User {
  const uid = OWN_UID;
  if (uid === 0) return ROOT;
  const line = readFileSync("/etc/passwd", "utf8")
    .split("\n")
    .find((entry) => entry.split(":")[2] === String(uid));
  return parse(line) ?? { name: String(uid), uid, gid: process.getgid?.() ?? uid, home: "/" };
}

function parse(line: string | undefined): User | undefined {
  const [name, , uid, gid, , home] = line?.split(":") ?? [];
  if (name === undefined || uid === undefined || gid === undefined) return undefined;
  return { name, uid: Number(uid), gid: Number(gid), home: home || "/" };
}

const SETPRIV = "/usr/bin/setpriv";

/** Words that go before a command so that it runs as `user`, with that user's groups and nothing of root's. */
export function asUser(user: User): string[] {
  if (user.uid === OWN_UID) return [];
  // BusyBox has a setpriv that knows no groups; its su does.
  const isBusyBox = !existsSync(SETPRIV) || readlink(SETPRIV).includes("busybox");
  if (isBusyBox) return ["/bin/su", "-s", "/bin/sh", user.name, "-c", 'exec "$0" "$@"'];
  return [SETPRIV, `--reuid=${user.uid}`, `--regid=${user.gid}`, "--init-groups", "--inh-caps=-all", "--"];
}

function readlink(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return "";
  }
}

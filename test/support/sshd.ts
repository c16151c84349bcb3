import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

export type KeyType = "ed25519" | "rsa" | "ecdsa";

export interface Sshd {
  readonly address: string;
  readonly port: number;
  /** Holds everything of this instance: keys and config. */
  readonly dir: string;
  /** Private key file of a key that every user may log in with. */
  readonly userKey: string;
  /** `type base64` of a host key. */
  hostKey(type: KeyType): string;
  /** A line of known_hosts for this instance. */
  knownLine(type?: KeyType): string;
  /** Processes that serve connections, by pid. */
  connections(): readonly number[];
  /** What it logged so far. */
  log(): string;
  stop(): Promise<void>;
}

export interface SshdOptions {
  readonly address?: string;
  readonly hostKeys?: readonly KeyType[];
  /** Lines of sshd_config. */
  readonly config?: string;
}

/**
 * A real sshd on a loopback address and a port of its own. Its authorised keys are those in `authorized_keys` of its
 * folder, for every user. Runs as root.
 */
export async function startSshd(options: SshdOptions = {}): Promise<Sshd> {
  const { address = "127.0.0.1", hostKeys = ["ed25519"] } = options;
  const dir = mkdtempSync(join(tmpdir(), "bootlace-sshd-"));
  // sshd reads authorized keys as the user who logs in, and StrictModes is off for the temporary folder.
  chmodSync(dir, 0o755);
  mkdirSync("/run/sshd", { recursive: true, mode: 0o755 });
  for (const type of hostKeys) makeKey(join(dir, `host_${type}`), type);
  const userKey = join(dir, "user");
  makeKey(userKey, "ed25519");
  writeFileSync(join(dir, "authorized_keys"), readFileSync(`${userKey}.pub`), { mode: 0o644 });
  const port = await freePort(address);
  const lines = [
    `ListenAddress ${address.includes(":") ? `[${address}]` : address}:${port}`,
    ...hostKeys.map((type) => `HostKey ${dir}/host_${type}`),
    `AuthorizedKeysFile ${dir}/authorized_keys`,
    "PidFile none",
    "UsePAM no",
    "StrictModes no",
    "PasswordAuthentication no",
    "KbdInteractiveAuthentication no",
    "PermitRootLogin prohibit-password",
    "LogLevel VERBOSE",
    options.config ?? "",
  ];
  writeFileSync(join(dir, "sshd_config"), `${lines.join("\n")}\n`);
  let log = "";
  const child = spawn("/usr/sbin/sshd", ["-D", "-e", "-f", join(dir, "sshd_config")], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  await listening(child, (line) => {
    log += `${line}\n`;
  });
  const hostKey = (type: KeyType) =>
    readFileSync(join(dir, `host_${type}.pub`), "utf8")
      .split(" ")
      .slice(0, 2)
      .join(" ");
  return {
    address,
    port,
    dir,
    userKey,
    hostKey,
    knownLine: (type = "ed25519") => `[${address}]:${port} ${hostKey(type)}\n`,
    connections: () => childrenOf(child.pid ?? 0),
    log: () => log,
    async stop() {
      for (const pid of childrenOf(child.pid ?? 0)) kill(pid);
      if (child.exitCode === null && child.signalCode === null) {
        child.kill("SIGKILL");
        await once(child, "exit");
      }
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

export function makeKey(file: string, type: KeyType, ...more: string[]): void {
  const bits = type === "rsa" ? ["-b", "2048"] : [];
  const phrase = more.includes("-N") ? [] : ["-N", ""];
  execFileSync("ssh-keygen", ["-q", "-t", type, ...bits, "-f", file, "-C", "test", ...phrase, ...more]);
}

/** A relay that can stop forwarding without closing anything, as a network that drops packets. */
export async function startRelay(port: number, address = "127.0.0.1") {
  const sockets = new Set<Socket>();
  const server = createServer((near) => {
    const far = new (near.constructor as typeof Socket)().connect(port, address);
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(one);
      one.on("error", () => other.destroy()).on("close", () => other.destroy());
      one.pipe(other);
    }
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const at = server.address();
  return {
    port: typeof at === "object" && at ? at.port : 0,
    drop() {
      for (const socket of sockets) socket.unpipe().pause();
    },
    resume() {
      const all = [...sockets];
      for (let index = 0; index < all.length; index += 2) {
        all[index]!.pipe(all[index + 1]!);
        all[index + 1]!.pipe(all[index]!);
      }
    },
    close() {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}

/** A TCP port that nobody has now. Sandboxes share this computer's ports. */
export async function freePort(address = "127.0.0.1"): Promise<number> {
  const server = createServer().listen(0, address);
  await once(server, "listening");
  const at = server.address();
  server.close();
  await once(server, "close");
  return typeof at === "object" && at ? at.port : 0;
}

function listening(child: ChildProcess, onLine: (line: string) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    let said = "";
    createInterface({ input: child.stderr! }).on("line", (line) => {
      said += `${line}\n`;
      onLine(line);
      if (line.includes("Server listening")) resolve();
    });
    child.once("exit", () => reject(new Error(`sshd did not start: ${said}`)));
  });
}

function childrenOf(pid: number): readonly number[] {
  const read = () => readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8");
  try {
    return read().trim().split(" ").filter(Boolean).map(Number);
  } catch {
    return [];
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It ended meanwhile.
  }
}

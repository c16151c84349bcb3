import { execFile } from "node:child_process";
import { userInfo } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { BootlaceError } from "../../stage2/index.ts";
import { expandTokens } from "./expand-tokens.ts";
import { parseTarget } from "./parse-target.ts";

/** How one host is reached, as OpenSSH's configuration has it. */
export interface SshSettings {
  /** As typed, without user and port. */
  readonly typed: string;
  /** Name or address that is connected to. */
  readonly host: string;
  readonly port: number;
  readonly user: string;
  /** Absolute paths, in the order in which they are tried; they may not exist. */
  readonly identityFiles: readonly string[];
  /** Keys of the agent count only where they are among the identity files. */
  readonly identitiesOnly: boolean;
  /** Socket of the agent. */
  readonly agent: string | undefined;
  /** `[user@]host[:port],…`, the nearest to this desk first. */
  readonly proxyJump: string | undefined;
  /** A shell line whose stdin and stdout are the connection; tokens not yet expanded. */
  readonly proxyCommand: string | undefined;
  /** Absolute paths; they may not exist. */
  readonly knownHosts: readonly string[];
  /** Files of RevokedHostKeys: absolute paths; one that does not exist refuses every host. */
  readonly revokedHostKeys: readonly string[];
  readonly hostKeyAlias: string | undefined;
  /** Empty: ssh's own. */
  readonly hostKeyAlgorithms: readonly string[];
  /** Milliseconds. */
  readonly connectTimeout: number | undefined;
  /** ServerAliveInterval, in milliseconds. */
  readonly keepAlive: number | undefined;
  /** ServerAliveCountMax. */
  readonly keepAliveMisses: number | undefined;
  /** False where there is no ssh(1), so that nothing but defaults counted. */
  readonly configured: boolean;
}

const run = promisify(execFile);

/**
 * Asks `ssh -G` (ssh(1)) what the configuration says of a target, so that Host, Match and Include mean what they mean
 * to ssh. `BOOTLACE_SSH_CONFIG` names another file than ~/.ssh/config. Without ssh(1) its defaults count.
 *
 * @param login user where the target names none.
 * @throws {BootlaceError} `E_SESSION_TARGET`; `E_SESSION_CONNECT` with ssh's own words when it refuses the configuration.
 */
export async function readSshSettings(target: string, login?: string): Promise<SshSettings> {
  const { host: typed, port, user = login } = parseTarget(target);
  const file = process.env.BOOTLACE_SSH_CONFIG;
  const argv = ["-G", ...(file ? ["-F", file] : []), ...(user ? ["-l", user] : []), ...(port ? ["-p", `${port}`] : [])];
  let said: string | undefined;
  try {
    // No shell of a Match exec may wait for a terminal.
    const asked = run("ssh", [...argv, "--", typed], { timeout: 20_000 });
    asked.child.stdin?.end();
    said = (await asked).stdout;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw refused(target, error);
  }
  return settingsFrom(said, typed, { port, user });
}

function settingsFrom(
  said: string | undefined,
  typed: string,
  given: { port?: number | undefined; user?: string | undefined },
): SshSettings {
  const lines = (said ?? "").split("\n").map((line) => /^(\S+) (.*)$/.exec(line));
  const all = (key: string) =>
    lines.flatMap((line) => (line?.[1] === key && line[2] !== "none" ? [line[2] ?? ""] : []));
  const one = (key: string) => all(key)[0];
  const { homedir, username } = userInfo();
  const host = one("hostname") ?? typed;
  const port = Number(one("port") ?? given.port ?? 22);
  const user = one("user") ?? given.user ?? username;
  const expand = (text: string) => expandTokens(text, { host, typed, port, user, alias: one("hostkeyalias") });
  const defaults = ["id_rsa", "id_ecdsa", "id_ed25519"].map((name) => join(homedir, ".ssh", name));
  const hosts =
    said === undefined
      ? [`${homedir}/.ssh/known_hosts`, "/etc/ssh/ssh_known_hosts"]
      : [...all("userknownhostsfile"), ...all("globalknownhostsfile")].flatMap((files) => files.split(" "));
  const seconds = (key: string) => (Number(one(key)) > 0 ? Number(one(key)) * 1000 : undefined);
  return {
    typed,
    host,
    port,
    user,
    identityFiles: said === undefined ? defaults : all("identityfile").map(expand),
    identitiesOnly: one("identitiesonly") === "yes",
    agent: agentSocket(said, one("identityagent"), expand),
    proxyJump: one("proxyjump"),
    proxyCommand: one("proxycommand"),
    knownHosts: hosts.map(expand),
    revokedHostKeys: all("revokedhostkeys")
      .flatMap((files) => files.split(" "))
      .map(expand),
    hostKeyAlias: one("hostkeyalias"),
    hostKeyAlgorithms: one("hostkeyalgorithms")?.split(",") ?? [],
    connectTimeout: seconds("connecttimeout"),
    keepAlive: seconds("serveraliveinterval"),
    keepAliveMisses: seconds("serveraliveinterval") && Number(one("serveralivecountmax") ?? 3),
    configured: said !== undefined,
  };
}

/** IdentityAgent of ssh_config(5): a path, a variable as `$NAME`, SSH_AUTH_SOCK, or none. */
function agentSocket(
  said: string | undefined,
  agent: string | undefined,
  expand: (text: string) => string,
): string | undefined {
  if (agent === undefined) return /^identityagent none$/m.test(said ?? "") ? undefined : process.env.SSH_AUTH_SOCK;
  if (agent === "SSH_AUTH_SOCK") return process.env.SSH_AUTH_SOCK;
  return agent.startsWith("$") ? process.env[agent.slice(1).replace(/[{}]/g, "")] : expand(agent);
}

function refused(target: string, error: unknown): BootlaceError {
  const said = (error as { stderr?: string }).stderr?.trim() || (error as Error).message;
  return new BootlaceError("E_SESSION_CONNECT", `${target}: ssh -G refuses the configuration: ${said}`, {
    cause: error,
  });
}

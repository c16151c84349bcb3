import { connect as openSocket } from "node:net";
import type { Duplex } from "node:stream";
import { BootlaceError } from "../../stage2/index.ts";
import { throwIfAborted } from "./abort.ts";
import { HostKeyCheck } from "./host-key-check.ts";
import { LoginClock, logIn } from "./log-in.ts";
import { LoginKeys } from "./login-keys.ts";
import { ProxyProcess } from "./proxy-process.ts";
import type { SshSession } from "./ssh-session.ts";
import { readSshSettings, type SshSettings } from "./ssh-settings.ts";
import type { AskSecret } from "./unlock-key.ts";

export interface SshAccess {
  /** The project's folder. */
  readonly dir: string;
  /** Fingerprint that the person vouches for: `SHA256:…`. */
  readonly acceptHostKey?: string | undefined;
  readonly askSecret?: AskSecret | undefined;
}

/** More jump hosts than anybody has: the configuration leads in a circle. */
const MOST_HOPS = 8;

/**
 * Opens a session as ssh(1) would, by the person's configuration: keys, agent, jump hosts, proxy command. Every host
 * on the way shows a key that is known.
 *
 * @param target `[user@]host[:port]`, host may be a name of ~/.ssh/config.
 * @param login user where the target names none; goes before the configuration's.
 * @throws {BootlaceError} `E_SESSION_TARGET`, `E_SESSION_CONNECT`, `E_SESSION_HOST_KEY`, `E_SESSION_HOST_KEY_UNKNOWN`.
 */
export async function openSsh(
  target: string,
  login: string | undefined,
  access: SshAccess,
  signal?: AbortSignal,
): Promise<SshSession> {
  return openByWay(target, await readSshSettings(target, login), access, { signal, depth: 0 });
}

interface Way {
  readonly signal: AbortSignal | undefined;
  readonly depth: number;
}

/** What carries a connection, and what to do with it when the session has ended. */
interface Transport {
  readonly stream: Duplex;
  /** More on why it failed, for the error. */
  said(): string;
  close(): Promise<void>;
}

async function openByWay(target: string, settings: SshSettings, access: SshAccess, way: Way): Promise<SshSession> {
  const check = await HostKeyCheck.open(settings, access);
  return overTransport(target, settings, access, way, check, await openTransport(target, settings, access, way));
}

async function overTransport(
  target: string,
  settings: SshSettings,
  access: SshAccess,
  { signal }: Way,
  check: HostKeyCheck,
  transport: Transport,
): Promise<SshSession> {
  const clock = new LoginClock();
  const keys = new LoginKeys(settings, access.askSecret, clock);
  let methods: readonly string[] | undefined;
  // All keys in one attempt. Then `none`, which lets nobody in but has the host say what it takes (RFC 4252, 5.2).
  const username = settings.user;
  const attempts = [{ type: "agent", username, agent: keys }, { type: "none", username }, false];
  try {
    const session = await logIn({
      target,
      transport: transport.stream,
      cut: () => void transport.close(),
      clock,
      signal,
      within: settings.connectTimeout,
      config: {
        username,
        ...(settings.keepAlive && { keepaliveInterval: settings.keepAlive }),
        ...(settings.keepAliveMisses && { keepaliveCountMax: settings.keepAliveMisses }),
        algorithms: { serverHostKey: check.algorithms() },
        hostVerifier: (shown: Buffer) => check.fits(shown),
        authHandler: (left, _partly, next) => {
          methods = left ?? methods;
          next(attempts.shift() as never);
        },
      },
    });
    void session.closed.then(() => transport.close());
    await check.remember();
    return session;
  } catch (error) {
    await transport.close();
    if (check.refusal) throw check.refusal;
    if (error instanceof BootlaceError || signal?.aborted) throw error;
    const asked = attempts.length < 3;
    const takes = methods ? `it takes ${methods.join(", ")}` : "";
    throw unreachable(target, settings, error as Error, [asked ? keys.summary() : "", takes, transport.said()], asked);
  }
}

async function openTransport(target: string, settings: SshSettings, access: SshAccess, way: Way): Promise<Transport> {
  const { host, port, proxyJump, proxyCommand } = settings;
  if (proxyJump !== undefined) return jump(target, proxyJump.split(","), settings, access, way);
  if (proxyCommand !== undefined) return new ProxyProcess(proxyCommand, { ...settings, alias: settings.hostKeyAlias });
  // Before there is a socket: nobody would own it, and its error would end the process.
  throwIfAborted(way.signal);
  // TCP_NODELAY from the start: ssh2 offers no way to set it before the handshake.
  const stream = openSocket({ host, port, noDelay: true });
  return { stream, said: () => "", close: async () => void stream.destroy() };
}

/** Through the hosts named, the nearest first. The first is reached by its own configuration, the others through it. */
async function jump(
  target: string,
  names: readonly string[],
  to: SshSettings,
  access: SshAccess,
  way: Way,
): Promise<Transport> {
  if (way.depth + names.length > MOST_HOPS)
    throw new BootlaceError(
      "E_SESSION_CONNECT",
      `${target}: more than ${MOST_HOPS} jump hosts, by way of ${names.join(", ")}`,
      {
        hint: "A ProxyJump under `Host *` also counts for the jump host itself: write `Host * !bastion`.",
      },
    );
  const next = { ...way, depth: way.depth + names.length };
  const name = names.at(-1) ?? "";
  const settings = await readSshSettings(name);
  const before = names.slice(0, -1);
  const own = before.length ? { ...settings, proxyJump: before.join(","), proxyCommand: undefined } : settings;
  const session = await openByWay(`jump host ${name}`, own, access, next);
  try {
    const stream = await session.tunnel(to.host, to.port);
    return { stream, said: () => "", close: () => session.close() };
  } catch (error) {
    await session.close();
    throw unreachable(target, to, error as Error, [`by way of ${name}`], false);
  }
}

function unreachable(
  target: string,
  { user, host, port, configured }: SshSettings,
  cause: Error,
  told: readonly string[],
  login: boolean,
): BootlaceError {
  const way = configured ? "" : "there is no ssh on the PATH, so ~/.ssh/config was not read";
  // ssh2's own words for it speak of its configuration, which nobody knows here.
  const refused = (cause as { level?: string }).level === "client-authentication";
  const more = [refused ? "the host refused the login" : cause.message, ...told, way]
    .filter((part) => part !== "")
    .join("; ");
  return new BootlaceError("E_SESSION_CONNECT", `${target}: no session to ${user}@${host}:${port}: ${more}`, {
    cause,
    ...(login && {
      hint: `Logins are by key only. Where the host takes passwords: ssh-copy-id -p ${port} ${user}@${host}`,
    }),
  });
}

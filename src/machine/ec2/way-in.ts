import { connect as openSocket } from "node:net";
import type { Duplex } from "node:stream";
import { BootlaceError } from "../../../stage2/index.ts";
import { throwIfAborted } from "../../session/abort.ts";
import { logIn } from "../../session/log-in.ts";
import { openSsh } from "../../session/open-ssh.ts";
import { ProxyProcess } from "../../session/proxy-process.ts";
import { publicKeyBlob } from "../../session/ssh-key.ts";
import { isKnownHostKey, type SshSession } from "../../session/ssh-session.ts";
import { readSshSettings, type SshSettings } from "../../session/ssh-settings.ts";

export interface WayIn {
  /** The project's folder. */
  readonly dir: string;
  /** Instance id: `Host i-*` of ~/.ssh/config is the way by Session Manager. */
  readonly id: string;
  /** What the instance answers at; undefined: by its id alone. */
  readonly address: string | undefined;
  readonly login: string;
  /** OpenSSH private key, PEM. */
  readonly privateKey: string;
  /** Public key lines, one of which the instance has to show; "accept": whatever it shows. */
  readonly hostKeys: readonly string[] | "accept";
  /** For messages. */
  readonly target: string;
  /** Milliseconds until the login must be through. */
  readonly within: number;
}

export interface Entered {
  readonly session: SshSession;
  /** The key that was shown, base64, with its type before it. */
  readonly hostKey: string;
}

interface Transport {
  readonly stream: Duplex;
  said(): string;
  close(): Promise<void>;
}

/**
 * Logs in to an instance with the build's own key. Jump hosts, ProxyCommand and ports are those that ~/.ssh/config gives
 * for the instance's id, else for its address.
 *
 * @throws {BootlaceError} `E_SESSION_HOST_KEY` when another key is shown, `E_SESSION_CONNECT` when there is no way in.
 */
export async function enter(way: WayIn, signal?: AbortSignal): Promise<Entered> {
  throwIfAborted(signal);
  const settings = await settingsOf(way);
  const transport = await openTransport(settings, way, signal);
  let shown: Buffer | undefined;
  let stranger = false;
  try {
    const session = await logIn({
      target: way.target,
      transport: transport.stream,
      cut: () => void transport.close(),
      within: way.within,
      signal,
      config: {
        username: way.login,
        privateKey: way.privateKey,
        hostVerifier: (key: Buffer) => {
          shown = key;
          stranger = way.hostKeys !== "accept" && !isKnownHostKey(key, way.hostKeys.map(publicKeyBlob));
          return !stranger;
        },
      },
    });
    void session.closed.then(() => transport.close());
    return { session, hostKey: lineOf(shown) };
  } catch (error) {
    await transport.close();
    if (signal?.aborted) throw error;
    throw stranger ? strangeKey(way, lineOf(shown)) : unreachable(way, settings, error as Error, transport.said());
  }
}

/** The id's own settings count where they say how to get there; ssh(1) knows no more of it than we do otherwise. */
async function settingsOf({ id, address, login }: WayIn): Promise<SshSettings> {
  const byId = await readSshSettings(id, login);
  if (byId.proxyCommand !== undefined || byId.proxyJump !== undefined || byId.host !== id) return byId;
  if (address !== undefined) return readSshSettings(address.includes(":") ? `[${address}]` : address, login);
  throw new BootlaceError("E_SESSION_CONNECT", `${id} has no address that this desk could connect to`, {
    hint: "Say `address:` under `ec2:`, or how `Host i-*` is reached in ~/.ssh/config; docs/ec2.md has the recipe for Session Manager.",
  });
}

async function openTransport(settings: SshSettings, way: WayIn, signal: AbortSignal | undefined): Promise<Transport> {
  const { host, port, proxyJump, proxyCommand, hostKeyAlias } = settings;
  if (proxyJump !== undefined) {
    const names = proxyJump.split(",");
    const jump = await openSsh(names.at(-1) ?? "", undefined, { dir: way.dir }, signal);
    try {
      return { stream: await jump.tunnel(host, port), said: () => `by way of ${proxyJump}`, close: () => jump.close() };
    } catch (error) {
      await jump.close();
      throw unreachable(way, settings, error as Error, `by way of ${proxyJump}`);
    }
  }
  if (proxyCommand !== undefined) return new ProxyProcess(proxyCommand, { ...settings, alias: hostKeyAlias });
  throwIfAborted(signal);
  // TCP_NODELAY from the start: ssh2 offers no way to set it before the handshake.
  const stream = openSocket({ host, port, noDelay: true });
  return { stream, said: () => "", close: async () => void stream.destroy() };
}

const lineOf = (key: Buffer | undefined): string =>
  key ? `${key.subarray(4, 4 + key.readUInt32BE(0)).toString("latin1")} ${key.toString("base64")}` : "";

function strangeKey({ target, hostKeys }: WayIn, came: string): BootlaceError {
  const expected = hostKeys === "accept" ? "any" : hostKeys.join(", ");
  return new BootlaceError("E_SESSION_HOST_KEY", `${target}: expected host key ${expected}, came ${came}`, {
    hint: "Another machine answers at this address, or the instance has new host keys: compare with its console.",
  });
}

function unreachable(way: WayIn, { host, port, user }: SshSettings, cause: Error, more: string): BootlaceError {
  const said = [cause.message, more].filter((part) => part !== "").join("; ");
  return new BootlaceError("E_SESSION_CONNECT", `${way.target}: no session to ${user}@${host}:${port}: ${said}`, {
    cause,
  });
}

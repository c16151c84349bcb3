import { connect as openSocket } from "node:net";
import ssh2 from "ssh2";
import { BootlaceError } from "../../stage2/index.ts";
import { abortError, throwIfAborted } from "./abort.ts";
import { publicKeyBlob } from "./ssh-key.ts";
import { isKnownHostKey, SshSession } from "./ssh-session.ts";

export interface SshAddress {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  /** OpenSSH private key, PEM. */
  readonly privateKey: string;
  /** Public key lines known for this machine; at least one. */
  readonly hostKeys: readonly string[];
  /** For messages. */
  readonly target: string;
  /** Milliseconds until the login must be through; default 20 s. */
  readonly within?: number;
}

/**
 * Opens one SSH connection with keep-alive (15 s, three misses) and verifies the machine by exact comparison of its host key.
 *
 * @throws {BootlaceError} `E_SESSION_HOST_KEY` when another key is shown, `E_SESSION_CONNECT` when there is no way in.
 */
export async function connectSsh(address: SshAddress, signal?: AbortSignal): Promise<SshSession> {
  throwIfAborted(signal);
  const known = address.hostKeys.map(publicKeyBlob);
  const client = new ssh2.Client();
  let stranger: Buffer | undefined;
  const session = new SshSession(client, address.target);
  await new Promise<void>((resolve, reject) => {
    const fail = (error: Error) => reject(stranger ? strangeKey(address, stranger) : unreachable(address, error));
    const abort = () => {
      client.destroy();
      if (signal) reject(abortError(signal));
    };
    signal?.addEventListener("abort", abort, { once: true });
    client.once("error", fail);
    client.once("close", () => fail(new Error("the connection was closed during login")));
    client.once("ready", () => {
      signal?.removeEventListener("abort", abort);
      client.off("error", fail);
      resolve();
    });
    client.connect({
      // A socket of our own, because ssh2 offers no way to set TCP_NODELAY before the handshake.
      sock: openSocket({ host: address.host, port: address.port, noDelay: true }),
      username: address.user,
      privateKey: address.privateKey,
      readyTimeout: address.within ?? 20_000,
      keepaliveInterval: 15_000,
      keepaliveCountMax: 3,
      hostVerifier: (shown: Buffer) => {
        const fits = isKnownHostKey(shown, known);
        if (!fits) stranger = shown;
        return fits;
      },
    });
  });
  return session;
}

function unreachable(address: SshAddress, cause: Error): BootlaceError {
  const where = `${address.user}@${address.host}:${address.port}`;
  return new BootlaceError("E_SESSION_CONNECT", `${address.target}: no session to ${where}: ${cause.message}`, {
    cause,
  });
}

function strangeKey(address: SshAddress, shown: Buffer): BootlaceError {
  const came = shown.toString("base64");
  const expected = address.hostKeys.join(", ") || "none is known";
  return new BootlaceError("E_SESSION_HOST_KEY", `${address.target}: expected host key ${expected}, came ${came}`, {
    hint: "If the machine was made anew, destroy its record first; otherwise another machine answers at this address.",
  });
}

import { connect as openSocket } from "node:net";
import { BootlaceError } from "../../stage2/index.ts";
import { throwIfAborted } from "./abort.ts";
import { logIn } from "./log-in.ts";
import { publicKeyBlob } from "./ssh-key.ts";
import { isKnownHostKey, type SshSession } from "./ssh-session.ts";

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
  // Before there is a socket: nobody would own it, and its error would end the process.
  throwIfAborted(signal);
  const known = address.hostKeys.map(publicKeyBlob);
  let stranger: Buffer | undefined;
  try {
    return await logIn({
      target: address.target,
      // A socket of our own, because ssh2 offers no way to set TCP_NODELAY before the handshake.
      transport: openSocket({ host: address.host, port: address.port, noDelay: true }),
      within: address.within,
      signal,
      config: {
        username: address.user,
        privateKey: address.privateKey,
        hostVerifier: (shown: Buffer) => {
          const fits = isKnownHostKey(shown, known);
          if (!fits) stranger = shown;
          return fits;
        },
      },
    });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw stranger ? strangeKey(address, stranger) : unreachable(address, error as Error);
  }
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

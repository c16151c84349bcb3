import { timingSafeEqual } from "node:crypto";
import type { AuthContext, Connection, ParsedKey } from "ssh2";
import ssh2 from "ssh2";
import { serveSession } from "./ssh-channel.ts";

export interface ServerKeys {
  /** OpenSSH private key, PEM. */
  readonly host: string;
  /** Public key line of the one who may come in. */
  readonly user: string;
}

export interface RunningServer {
  readonly port: number;
  close(): void;
}

/**
 * An SSH server on 127.0.0.1 that leads into a sandbox, so that the desk takes the way it takes to real machines.
 *
 * @param init gives the sandbox's PID 1 as the host counts; asked for each command, because a reboot changes it.
 */
export function startSshServer(keys: ServerKeys, init: () => number | undefined): Promise<RunningServer> {
  const user = parseKey(keys.user);
  const open = new Set<Connection>();
  const server = new ssh2.Server({ hostKeys: [keys.host] }, (connection: Connection) => {
    open.add(connection);
    // Nagle's algorithm against delayed ACKs (RFC 896, RFC 1122 4.2.3.2) would cost each small command 40 ms twice.
    (connection as Connection & { setNoDelay(on: boolean): void }).setNoDelay(true);
    connection.on("close", () => open.delete(connection));
    connection.on("error", () => {});
    connection.on("authentication", (context) => {
      if (isAllowed(context, user)) context.accept();
      else context.reject(["publickey"]);
    });
    connection.on("session", (accept) => serveSession(accept(), init));
  });
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      resolve({
        port: typeof address === "object" && address ? address.port : 0,
        close: () => {
          server.close();
          // A client that stays would keep a process alive whose sandbox is gone.
          for (const connection of open) connection.end();
        },
      });
    });
  });
}

function parseKey(line: string): ParsedKey {
  const key = ssh2.utils.parseKey(line);
  if (key instanceof Error) throw key;
  return Array.isArray(key) ? key[0] : key;
}

function isAllowed(context: AuthContext, user: ParsedKey): boolean {
  if (context.method !== "publickey" || context.username !== "root") return false;
  const known = user.getPublicSSH();
  if (context.key.data.length !== known.length || !timingSafeEqual(context.key.data, known)) return false;
  // Without a signature the client only asks whether the key would do (RFC 4252, 7).
  if (!context.signature || !context.blob) return true;
  return user.verify(context.blob, context.signature, context.hashAlgo) === true;
}

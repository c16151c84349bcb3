import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import type { Connection } from "ssh2";
import ssh2 from "ssh2";
import { afterEach } from "vitest";
import { makeSshKey, type SshKeyPair } from "../../src/session/ssh-key.ts";

export interface SshHost {
  readonly port: number;
  readonly hostKey: SshKeyPair;
  readonly userKey: SshKeyPair;
  /** Cuts every connection, as a cable that is pulled. */
  drop(): void;
  /** How many connections were accepted so far. */
  readonly accepted: number;
}

const open: (() => void)[] = [];
afterEach(() => {
  for (const close of open.splice(0)) close();
});

/** An SSH server on this computer whose commands run here, as this user. */
export function startSshHost(): Promise<SshHost> {
  const hostKey = makeSshKey("test host");
  const userKey = makeSshKey("test user");
  const connections = new Set<Connection & { readonly _sock?: { destroy(): void } }>();
  const children = new Set<ChildProcessWithoutNullStreams>();
  let accepted = 0;
  const server = new ssh2.Server({ hostKeys: [hostKey.private] }, (connection) => {
    accepted += 1;
    (connection as Connection & { setNoDelay(on: boolean): void }).setNoDelay(true);
    connections.add(connection);
    connection.on("error", () => {});
    connection.on("authentication", (context) =>
      context.method === "publickey" ? context.accept() : context.reject(),
    );
    connection.on("session", (accept) => {
      accept().on("exec", (acceptExec, _reject, { command }) => {
        const channel = acceptExec();
        const child = spawn("sh", ["-c", command]);
        children.add(child);
        channel.on("error", () => {});
        child.stdin.on("error", () => {});
        channel.pipe(child.stdin);
        child.stdout.pipe(channel, { end: false });
        child.stderr.pipe(channel.stderr, { end: false });
        child.once("close", (code) => {
          channel.exit(code ?? 255);
          channel.end();
        });
      });
    });
  });
  const drop = () => {
    for (const connection of connections) connection._sock?.destroy();
    connections.clear();
  };
  open.push(() => {
    drop();
    for (const child of children) child.kill("SIGKILL");
    server.close();
  });
  return new Promise((resolve) => {
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      const port = typeof address === "object" && address ? address.port : 0;
      resolve({
        port,
        hostKey,
        userKey,
        drop,
        get accepted() {
          return accepted;
        },
      });
    });
  });
}

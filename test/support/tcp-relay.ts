import { connect, createServer, type Socket } from "node:net";
import { afterEach } from "vitest";

const open: (() => void)[] = [];
afterEach(() => {
  for (const close of open.splice(0)) close();
});

export interface Relay {
  readonly port: number;
  /** Connections that were accepted so far. */
  readonly accepted: () => number;
  /** Breaks every connection that is open; new ones are let through. */
  cut(): void;
}

/** A port of this computer that leads to another one, until it is cut. */
export function startRelay(to: number): Promise<Relay> {
  const sockets = new Set<Socket>();
  let accepted = 0;
  const server = createServer((near) => {
    accepted += 1;
    const far = connect({ host: "127.0.0.1", port: to, noDelay: true });
    near.setNoDelay(true);
    for (const socket of [near, far]) {
      sockets.add(socket);
      socket.on("error", () => {});
      socket.on("close", () => {
        sockets.delete(socket);
        near.destroy();
        far.destroy();
      });
    }
    near.pipe(far).pipe(near);
  });
  const cut = () => {
    for (const socket of sockets) socket.destroy();
  };
  open.push(() => {
    cut();
    server.close();
  });
  return new Promise((resolve) => {
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      resolve({ port: typeof address === "object" && address ? address.port : 0, accepted: () => accepted, cut });
    });
  });
}

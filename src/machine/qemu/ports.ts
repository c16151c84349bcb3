import { createServer } from "node:net";
import { BootlaceError } from "../../../stage2/index.ts";

/** A port of the desk that leads to one of the guest. */
export interface Forward {
  readonly address: string;
  readonly port: number;
  readonly guest: number;
}

/**
 * Reads `8080:80`, `127.0.0.1:8080:80` and `8080`. Without an address it is 127.0.0.1: nobody else is let in unasked.
 *
 * @throws {BootlaceError} `E_QEMU_PORT`.
 */
export function parseForward(text: string): Forward {
  const [, address = "127.0.0.1", port, guest = port] =
    /^(?:((?:\d{1,3}\.){3}\d{1,3}):)?(\d{1,5})(?::(\d{1,5}))?$/.exec(text) ?? [];
  const forward = { address, port: Number(port), guest: Number(guest) };
  if (isPort(forward.port) && isPort(forward.guest)) return forward;
  throw new BootlaceError("E_QEMU_PORT", `"${text}" is no port: expected 8080:80, 127.0.0.1:8080:80 or 8080`);
}

const isPort = (port: number): boolean => port >= 1 && port <= 65_535;

/**
 * Tries each port, so that one that is taken is named before anything is started.
 *
 * @throws {BootlaceError} `E_QEMU_PORT`.
 */
export async function assertPortsFree(forwards: readonly Forward[]): Promise<void> {
  for (const { address, port } of forwards) {
    const refusal = await listenOnce(address, port).then(
      () => undefined,
      (error: NodeJS.ErrnoException) => error,
    );
    if (!refusal) continue;
    const taken = refusal.code === "EADDRINUSE";
    throw new BootlaceError(
      "E_QEMU_PORT",
      `Port ${port} of ${address} is ${taken ? "taken" : `not to be had: ${refusal.message}`}`,
      { hint: taken ? `See who has it: ss -ltnp 'sport = :${port}'` : "Ports below 1024 need root." },
    );
  }
}

/** A port of 127.0.0.1 that nobody had just now. */
export const freePort = (): Promise<number> => listenOnce("127.0.0.1", 0);

function listenOnce(host: string, port: number): Promise<number> {
  const server = createServer();
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen({ host, port, exclusive: true }, () => {
      const address = server.address();
      server.close(() => resolve(typeof address === "object" && address ? address.port : 0));
    });
  });
}

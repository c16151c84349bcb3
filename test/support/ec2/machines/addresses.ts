import { once } from "node:events";
import { createServer } from "node:net";

/**
 * Hands out loopback addresses of one block of 127.0.0.0/8: 127.N.0.0/20 is the public subnet, 127.N.16.0/20 the
 * private one, 127.N.240.0/20 what the world sees. One that somebody else listens on is passed over, so that endpoints of
 * tests that run at the same time do not meet.
 */
export class Addresses {
  readonly block: number;
  readonly #port: number;
  #next = 4;

  /** @param port what is going to be listened on. */
  constructor(port: number) {
    this.block = 16 + Math.floor(Math.random() * 220);
    this.#port = port;
  }

  cidr(third: 0 | 16 | 240): string {
    return `127.${this.block}.${third}.0/20`;
  }

  /** @throws {Error} when the port is taken everywhere, as by an sshd of this computer. */
  async take(third: 0 | 16 | 240): Promise<string> {
    for (let tries = 0; tries < 50; tries += 1) {
      const at = this.#next++;
      const address = `127.${this.block}.${third + (at >> 8)}.${at & 255}`;
      if (await isFree(address, this.#port)) return address;
    }
    throw new Error(`Port ${this.#port} is taken on all of loopback: does this computer's sshd listen on 0.0.0.0?`);
  }
}

async function isFree(host: string, port: number): Promise<boolean> {
  const server = createServer();
  const listened = once(server, "listening").then(
    () => true,
    () => false,
  );
  server.listen(port, host);
  if (!(await listened)) return false;
  server.close();
  await once(server, "close");
  return true;
}

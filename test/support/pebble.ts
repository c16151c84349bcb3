import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { get } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { certify } from "./certificates.ts";
import { ensureDebianPackages } from "./debian.ts";
import { freePort } from "./sshd.ts";

export interface Pebble {
  /** `https://localhost:PORT/dir` */
  readonly directory: string;
  /** Who signed the server's own TLS certificate, PEM. */
  readonly authority: string;
  /** The root of what it issues, PEM: another one for each server. */
  root(): Promise<string>;
  close(): Promise<void>;
}

/**
 * Let's Encrypt's test server for ACME, from Debian. It refuses half of the nonces, and asks the name server that it is
 * told of, at once.
 *
 * @param nameServer An address; port 53.
 */
export async function startPebble(nameServer: string): Promise<Pebble> {
  ensureDebianPackages(["pebble"]);
  const folder = await mkdtemp(join(tmpdir(), "bootlace-pebble-"));
  const { cert, key, authority } = certify(folder, "localhost");
  const [port, management, http, tls] = await Promise.all([freePort(), freePort(), freePort(), freePort()]);
  const pebble = {
    listenAddress: `127.0.0.1:${port}`,
    managementListenAddress: `127.0.0.1:${management}`,
    certificate: "localhost.pem",
    privateKey: "localhost.key",
    httpPort: http,
    tlsPort: tls,
  };
  await writeFile(join(folder, "localhost.pem"), cert);
  await writeFile(join(folder, "localhost.key"), key);
  await writeFile(join(folder, "pebble.json"), JSON.stringify({ pebble }));
  const env = { ...process.env, PEBBLE_VA_NOSLEEP: "1", PEBBLE_WFE_NONCEREJECT: "50" };
  const child = spawn("pebble", ["-config", "pebble.json", "-dnsserver", `${nameServer}:53`], {
    cwd: folder,
    env,
    stdio: ["ignore", "pipe", "inherit"],
  });
  for await (const line of createInterface({ input: child.stdout })) if (line.includes("ACME directory")) break;
  child.stdout.resume();
  const ca = await readFile(authority, "utf8");
  return {
    directory: `https://localhost:${port}/dir`,
    authority: ca,
    root: () => fetchText(`https://localhost:${management}/roots/0`, ca),
    async close() {
      const ended = once(child, "exit");
      child.kill();
      await ended;
      await rm(folder, { recursive: true, force: true });
    },
  };
}

function fetchText(url: string, ca: string): Promise<string> {
  return new Promise((resolve, reject) => {
    get(url, { ca }, async (answer) => {
      let text = "";
      for await (const part of answer) text += part;
      resolve(text);
    }).on("error", reject);
  });
}

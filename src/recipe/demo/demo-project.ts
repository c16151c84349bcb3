import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { packageRoot } from "../../cli/package-root.ts";
import { lookUp } from "../../machine/find-machine.ts";
import { machineNames } from "../../machine/machine-folder.ts";

export interface DemoProject {
  readonly dir: string;
  /** Where its web server listens, on this computer's loopback: a sandbox shares the network. */
  readonly port: number;
  /** Removes its machines and its folder. */
  remove(): Promise<void>;
}

/** A copy of examples/shop in a temporary folder, on a port that is free here. */
export async function makeDemoProject(): Promise<DemoProject> {
  const dir = await mkdtemp(join(tmpdir(), "bootlace-demo-"));
  await cp(fileURLToPath(new URL("examples/shop", packageRoot())), dir, {
    recursive: true,
    filter: (source) => !source.endsWith("/.bootlace"),
  });
  const port = await freePort();
  const file = join(dir, "bootlace.yaml");
  const text = await readFile(file, "utf8");
  await writeFile(file, text.replace(/\bport: \d+/, `port: ${port}`));
  return {
    dir,
    port,
    async remove() {
      for (const name of await machineNames(dir)) await (await lookUp(dir, name))?.dispose();
      await rm(dir, { recursive: true, force: true });
    },
  };
}

function freePort(): Promise<number> {
  const server = createServer();
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => resolve(typeof address === "object" && address ? address.port : 0));
    });
  });
}

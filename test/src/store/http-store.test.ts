import { existsSync, readFileSync } from "node:fs";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { expect, test } from "vitest";
import { FolderStore } from "../../../src/store/folder-store.ts";
import { HttpStore } from "../../../src/store/http-store.ts";
import { storeContract } from "./store-contract.ts";

async function serve(listener: RequestListener): Promise<{ url: string; close: () => void }> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

storeContract("HttpStore", false, async (folder) => {
  const { url, close } = await serve((request, response) => {
    const file = join(folder, request.url ?? "");
    if (!existsSync(file)) return void response.writeHead(404).end();
    const bytes = readFileSync(file);
    response.writeHead(200, { "content-length": bytes.length }).end(request.method === "HEAD" ? undefined : bytes);
  });
  return { store: new HttpStore(url), writer: new FolderStore(folder), dispose: close };
});

const blob = { kind: "bundles", digest: "d".repeat(64), bytes: 10 } as const;

test.each<readonly [string, RequestListener, string, string]>([
  ["an error of the server", (_, response) => response.writeHead(500).end(), "E_STORE_UNREACHABLE", "HTTP 500"],
  ["a missing right", (_, response) => response.writeHead(403).end(), "E_STORE_UNREACHABLE", "HTTP 403"],
  ["a broken connection", (request) => request.socket.destroy(), "E_STORE_UNREACHABLE", "did not answer"],
  ["garbage", (_, response) => response.end("<html>hello"), "E_STORE_DAMAGED", "longer than the 10 bytes"],
  ["a flood", (_, response) => response.end(Buffer.alloc(1 << 20)), "E_STORE_DAMAGED", "longer than the 10 bytes"],
  ["too little", (_, response) => response.end("short"), "E_STORE_DAMAGED", "5 bytes"],
])("HttpStore.get() tells %s", async (_name, listener, code, text) => {
  const { url, close } = await serve(listener);
  try {
    await expect(new HttpStore(url).get(blob)).rejects.toMatchObject({ code, message: expect.stringContaining(text) });
  } finally {
    close();
  }
});

test("HttpStore.readChannel() tells a server that is not there", async () => {
  const { url, close } = await serve(() => {});
  close();
  await expect(new HttpStore(url).readChannel("prod")).rejects.toMatchObject({ code: "E_STORE_UNREACHABLE" });
});
